package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.Op;

/** The choice of experts: the greatest shares of each row's softmax. */
final class RouteStep implements Step, Workers.Task {

  private final Team team;
  private final Op.Route op;
  private final Span logits;
  private final Span gates;
  private final int experts;
  private final Bands bands;

  RouteStep(Team team, Op.Route op, Span logits, Span gates, int rows) {
    this.team = team;
    this.op = op;
    this.logits = logits;
    this.gates = gates;
    this.experts = logits.length() / Math.max(1, rows);
    long perRow = Math.max(1, (long) experts * op.chosen());
    this.bands = Bands.of(rows, Bands.LEAST_COSTLY / perRow, 1, team.workers());
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    for (int row = bands.from(band); row < bands.to(band); row++) {
      route(
          logits.floats(), logits.at() + row * experts, gates.floats(), gates.at() + row * experts);
    }
  }

  /**
   * Chooses by logits and not by shares: these may be equal, or 0, where logits differ, and
   * rounding must not decide.
   */
  private void route(float[] x, int xAt, float[] y, int yAt) {
    System.arraycopy(x, xAt, y, yAt, experts);
    team.kernels().softmax(y, yAt, experts);
    int last = -1;
    double sum = 0;
    for (int i = 0; i < op.chosen(); i++) {
      last = next(x, xAt, last);
      sum += y[yAt + last];
    }
    for (int expert = 0; expert < experts; expert++) {
      if (isBefore(x, xAt, last, expert)) {
        y[yAt + expert] = 0;
      } else if (op.normalised()) {
        y[yAt + expert] = (float) (y[yAt + expert] / sum);
      }
    }
  }

  /** Returns the expert whose turn it is after another, or the first one's of all after -1. */
  private int next(float[] x, int xAt, int last) {
    int next = -1;
    for (int expert = 0; expert < experts; expert++) {
      if ((last < 0 || isBefore(x, xAt, last, expert))
          && (next < 0 || isBefore(x, xAt, expert, next))) {
        next = expert;
      }
    }
    return next;
  }

  /** Orders by logit, then by index; what is not a number comes first, so that it is noticed. */
  private static boolean isBefore(float[] x, int xAt, int a, int b) {
    // Adding 0 makes 0 of -0.
    int order = Float.compare(x[xAt + a] + 0f, x[xAt + b] + 0f);
    return order > 0 || (order == 0 && a < b);
  }
}
