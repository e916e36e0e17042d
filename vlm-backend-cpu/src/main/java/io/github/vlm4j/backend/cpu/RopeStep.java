package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.RopePairing;

/** Rotary position embedding of all heads of each row. */
final class RopeStep implements Step, Workers.Task {

  private final Team team;
  private final RopePairing pairing;
  private final Span x;
  private final Span cos;
  private final Span sin;
  private final Span y;
  private final int heads;
  private final int headDim;
  private final int rotated;
  private final Bands rows;

  /**
   * Creates the step.
   *
   * @param n the number of rows
   */
  RopeStep(
      Team team,
      RopePairing pairing,
      Span x,
      Span cos,
      Span sin,
      Span y,
      int n,
      int heads,
      int headDim) {
    this.team = team;
    this.pairing = pairing;
    this.x = x;
    this.cos = cos;
    this.sin = sin;
    this.y = y;
    this.heads = heads;
    this.headDim = headDim;
    this.rotated = cos.length() / Math.max(1, n);
    long rowElements = Math.max(1, (long) heads * headDim);
    this.rows = Bands.of(n, Bands.LEAST_CHEAP / rowElements, 1, team.workers());
  }

  @Override
  public void run() {
    team.workers().run(rows.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int rowElements = heads * headDim;
    for (int row = rows.from(band); row < rows.to(band); row++) {
      team.elements()
          .rope(
              pairing,
              x.floats(),
              x.at() + row * rowElements,
              cos.floats(),
              cos.at() + row * rotated,
              sin.floats(),
              sin.at() + row * rotated,
              rotated,
              y.floats(),
              y.at() + row * rowElements,
              heads,
              headDim);
    }
  }
}
