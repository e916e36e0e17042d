package io.github.vlm4j.backend.cpu;

/** Values one after the other in a new place. */
final class CopyStep implements Step, Workers.Task {

  private final Workers workers;
  private final Span[] parts;
  private final Span y;
  private final Bands bands;

  CopyStep(Team team, Span y, Span... parts) {
    this.workers = team.workers();
    this.parts = parts;
    this.y = y;
    this.bands = Bands.of(y.length(), Bands.LEAST_CHEAP, 1, workers);
  }

  @Override
  public void run() {
    workers.run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int start = 0;
    for (Span part : parts) {
      int from = Math.max(bands.from(band), start);
      int to = Math.min(bands.to(band), start + part.length());
      if (from < to) {
        System.arraycopy(
            part.floats(), part.at() + from - start, y.floats(), y.at() + from, to - from);
      }
      start += part.length();
    }
  }
}
