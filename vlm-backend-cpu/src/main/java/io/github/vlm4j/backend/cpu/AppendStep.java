package io.github.vlm4j.backend.cpu;

/** Writes rows into a state from a position on. */
final class AppendStep implements Step {

  private final Span state;
  private final Span rows;
  private final Position position;
  private final int count;

  /**
   * Creates the step.
   *
   * @param count the number of rows
   */
  AppendStep(Span state, Span rows, Position position, int count) {
    this.state = state;
    this.rows = rows;
    this.position = position;
    this.count = count;
  }

  @Override
  public void run() {
    int first = position.check(count);
    int rowElements = state.length() / Math.max(1, position.capacity());
    System.arraycopy(
        rows.floats(), rows.at(), state.floats(), state.at() + first * rowElements, rows.length());
  }
}
