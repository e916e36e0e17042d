package io.github.vlm4j.cli;

import io.github.vlm4j.models.chat.GenerationListener;

/** Shows how far an answer is until its first word comes. */
final class ProgressListener implements GenerationListener {

  private static final int WORTH_SHOWING = 512;

  private final Terminal terminal;

  ProgressListener(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void imageEncoded(int done, int total) {
    if (total > 1) {
      terminal.progress("Encoding pictures", done, total);
    }
  }

  @Override
  public void promptRead(int done, int total) {
    if (total > WORTH_SHOWING) {
      terminal.progress("Reading the prompt", done, total);
    }
    if (done == total) {
      terminal.clearProgress();
    }
  }
}
