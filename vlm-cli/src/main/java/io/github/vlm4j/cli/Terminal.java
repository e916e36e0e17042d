package io.github.vlm4j.cli;

import java.io.InputStream;
import java.io.PrintStream;

/** What a command reads and writes. */
public final class Terminal {

  private static final String CLEAR_LINE = "\r\u001b[K";
  private static final int BAR_WIDTH = 30;

  private final InputStream in;
  private final PrintStream out;
  private final PrintStream err;
  private final boolean showsProgress;
  private final boolean prompts;
  private boolean progressShown;
  private boolean answering;

  /**
   * Takes the streams.
   *
   * @param in standard input
   * @param out results and nothing else, UTF-8
   * @param err errors and progress, UTF-8
   * @param showsProgress whether somebody watches {@code err}
   * @param prompts whether somebody types what is read from {@code in}
   */
  public Terminal(
      InputStream in, PrintStream out, PrintStream err, boolean showsProgress, boolean prompts) {
    this.in = in;
    this.out = out;
    this.err = err;
    this.showsProgress = showsProgress;
    this.prompts = prompts;
  }

  InputStream in() {
    return in;
  }

  /** Returns the stream of results, after taking away what was shown of progress. */
  PrintStream out() {
    clearProgress();
    return out;
  }

  /** Returns whether nobody reads the results any more. */
  boolean isUnread() {
    return out.checkError();
  }

  /** Prints a part of an answer; no progress is shown over it until {@link #endAnswer}. */
  synchronized void answer(String text) {
    out().print(text);
    out.flush();
    answering = true;
  }

  /** Ends the line of an answer. */
  synchronized void endAnswer() {
    out().println();
    out.flush();
    answering = false;
  }

  PrintStream err() {
    return err;
  }

  boolean prompts() {
    return prompts;
  }

  /** Tells a person at the keyboard something that a pipe need not know. */
  void remark(String text) {
    if (prompts) {
      err.print(text);
      err.flush();
    }
  }

  /** Shows what is being done on a line of its own, in place of what was shown before. */
  synchronized void progress(String text) {
    if (showsProgress && !answering) {
      err.print(CLEAR_LINE + text);
      err.flush();
      progressShown = true;
    }
  }

  /** Shows how much has been done as a bar. */
  void progress(String what, int done, int total) {
    int filled = (int) ((long) BAR_WIDTH * done / Math.max(1, total));
    progress(
        what
            + " ["
            + "█".repeat(filled)
            + "░".repeat(BAR_WIDTH - filled)
            + "] "
            + done
            + "/"
            + total);
  }

  /** Takes away what was shown; a line that holds anything else stays. */
  synchronized void clearProgress() {
    if (progressShown) {
      err.print(CLEAR_LINE);
      err.flush();
      progressShown = false;
    }
  }
}
