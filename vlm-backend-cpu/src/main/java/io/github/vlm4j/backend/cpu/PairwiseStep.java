package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.graph.Activation;
import org.jspecify.annotations.Nullable;

/**
 * An operation on the elements of two values, the second repeated as often as the first is long.
 */
final class PairwiseStep implements Step, Workers.Task {

  /** One of the kernels of this form. */
  @FunctionalInterface
  private interface Kernel {
    void apply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);
  }

  private final Workers workers;
  private final Kernel kernel;
  private final Span a;
  private final Span b;
  private final Span y;
  private final boolean repeated;
  private final Bands bands;
  private final @Nullable Activation gate;

  private PairwiseStep(
      Team team,
      Kernel kernel,
      @Nullable Activation gate,
      Span a,
      Span b,
      Span y,
      long leastElements) {
    this.gate = gate;
    this.workers = team.workers();
    this.kernel = kernel;
    this.a = a;
    this.b = b;
    this.y = y;
    this.repeated = b.length() < a.length();
    this.bands =
        repeated
            ? Bands.of(a.length() / b.length(), leastElements / b.length(), 1, workers)
            : Bands.of(a.length(), leastElements, 1, workers);
  }

  static PairwiseStep add(Team team, Span a, Span b, Span y) {
    return new PairwiseStep(team, team.kernels()::add, null, a, b, y, Bands.LEAST_CHEAP);
  }

  static PairwiseStep multiply(Team team, Span a, Span b, Span y) {
    return new PairwiseStep(team, team.kernels()::multiply, null, a, b, y, Bands.LEAST_CHEAP);
  }

  static PairwiseStep gate(Team team, Activation activation, Span gate, Span up, Span y) {
    Kernels kernels = team.kernels();
    Kernel kernel =
        (g, gAt, u, uAt, z, zAt, n) -> kernels.gate(activation, g, gAt, u, uAt, z, zAt, n);
    return new PairwiseStep(team, kernel, activation, gate, up, y, Bands.LEAST_COSTLY);
  }

  /** Returns a sweep with this added, if this gates the results that the sweep ends in. */
  @Nullable MatVecStep after(MatVecStep sweep) {
    return gate == null ? null : sweep.gated(gate, a, b, y);
  }

  @Override
  public void run() {
    workers.run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int from = bands.from(band);
    int to = bands.to(band);
    if (!repeated) {
      kernel.apply(
          a.floats(),
          a.at() + from,
          b.floats(),
          b.at() + from,
          y.floats(),
          y.at() + from,
          to - from);
      return;
    }
    int n = b.length();
    for (int i = from; i < to; i++) {
      kernel.apply(a.floats(), a.at() + i * n, b.floats(), b.at(), y.floats(), y.at() + i * n, n);
    }
  }
}
