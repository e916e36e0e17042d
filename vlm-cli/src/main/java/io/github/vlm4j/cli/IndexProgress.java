package io.github.vlm4j.cli;

import io.github.vlm4j.search.IndexListener;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;

/** Shows how indexing goes, and says what is left out. */
final class IndexProgress implements IndexListener {

  private final Terminal terminal;
  private long start;

  IndexProgress(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void looking(long pictures) {
    terminal.progress("Looking for pictures: " + pictures);
  }

  @Override
  public void embedding(long done, long pictures) {
    if (done == 0) {
      start = System.nanoTime();
    }
    terminal.progress(
        what(done, pictures, System.nanoTime() - start), saturated(done), saturated(pictures));
  }

  static String what(long done, long pictures, long nanos) {
    if (done == 0) {
      return "Indexing";
    }
    double perSecond = done / Math.max(1e-9, nanos / 1e9);
    Duration left = Duration.ofSeconds(Math.round((pictures - done) / perSecond));
    return String.format(
        Locale.ROOT,
        "Indexing, %.1f images/s, %d:%02d:%02d left",
        perSecond,
        left.toHours(),
        left.toMinutesPart(),
        left.toSecondsPart());
  }

  private static int saturated(long count) {
    return (int) Math.min(count, Integer.MAX_VALUE);
  }

  @Override
  public void skipped(Path file, String reason) {
    terminal.clearProgress();
    String name = String.valueOf(file.getFileName());
    String shown = ShownPath.of(file);
    String sentence =
        reason.startsWith(name) ? shown + reason.substring(name.length()) : shown + ": " + reason;
    terminal.err().println("vlm: skipped: " + ShownPath.printable(Main.oneLine(sentence)));
  }
}
