package io.github.vlm4j.backend.cpu;

/** Writes rows into a state from a position on, each head's next to its earlier ones. */
final class AppendStep implements Step, Workers.Task {

  private final Workers workers;
  private final StateRows state;
  private final Span rows;
  private final Position position;
  private final int count;
  private final int heads;
  private final int size;
  private final Bands bands;
  private int first;

  /**
   * Creates the step.
   *
   * @param rows {@code [count, heads, size]}
   */
  AppendStep(
      Workers workers,
      StateRows state,
      Span rows,
      Position position,
      int count,
      int heads,
      int size) {
    this.workers = workers;
    this.state = state;
    this.rows = rows;
    this.position = position;
    this.count = count;
    this.heads = heads;
    this.size = size;
    this.bands = Bands.of(count, Bands.LEAST_CHEAP / Math.max(1, heads * size), 1, workers);
  }

  @Override
  public void run() {
    first = position.check(count);
    workers.run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    float[] x = rows.floats();
    for (int row = bands.from(band); row < bands.to(band); row++) {
      for (int head = 0; head < heads; head++) {
        state.write(head, first + row, x, rows.at() + (row * heads + head) * size);
      }
    }
  }
}
