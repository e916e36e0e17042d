package io.github.vlm4j.cli;

import io.github.vlm4j.models.chat.GenerationListener;

/**
 * Prints what a picture shows while it is written: one description after a label, without the white
 * space around it, on a line that {@link #end} ends.
 */
final class DescriptionListener implements GenerationListener {

  private final Terminal terminal;
  private final ProgressListener progress;
  private final String label;
  private String held = "";
  private boolean begun;

  /**
   * Takes where to print.
   *
   * @param label what stands before the description
   */
  DescriptionListener(Terminal terminal, String label) {
    this.terminal = terminal;
    this.progress = new ProgressListener(terminal);
    this.label = label;
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
    return terminal.out().checkError();
  }

  /** White space is held back until something follows it. */
  @Override
  public void text(String text) {
    held += text;
    String ready = (begun ? held : held.stripLeading()).stripTrailing();
    if (!ready.isEmpty()) {
      begin();
      terminal.out().print(ready);
      terminal.out().flush();
      held = held.substring(held.stripTrailing().length());
    }
  }

  /** Ends the line. */
  void end() {
    begin();
    terminal.out().println();
    terminal.out().flush();
  }

  private void begin() {
    if (!begun) {
      terminal.out().print(label);
      begun = true;
    }
  }
}
