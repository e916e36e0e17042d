package io.github.vlm4j.cli;

import io.github.vlm4j.models.chat.GenerationListener;

/** Prints an answer while it is made, after showing how far the prompt is. */
final class StreamingListener implements GenerationListener {

  private final Terminal terminal;
  private final ProgressListener progress;

  StreamingListener(Terminal terminal) {
    this.terminal = terminal;
    this.progress = new ProgressListener(terminal);
  }

  @Override
  public void imageEncoded(int done, int total) {
    progress.imageEncoded(done, total);
  }

  @Override
  public void promptRead(int done, int total) {
    progress.promptRead(done, total);
  }

  /** Whoever closed the other end of the pipe does not want the rest. */
  @Override
  public boolean cancelled() {
    return terminal.isUnread();
  }

  @Override
  public void text(String text) {
    terminal.answer(text);
  }
}
