package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.core.graph.Activation;
import org.jspecify.annotations.Nullable;

/**
 * An operation on the elements of two values, the second repeated as often as the first is long.
 */
final class PairwiseStep implements Step, Workers.Task, Elements {

  /** One of the kernels of this form. */
  @FunctionalInterface
  private interface Kernel {
    void apply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);
  }

  private final Team team;
  private final Kernel kernel;
  private final Span a;
  private final Span b;
  private final Span y;
  private final boolean repeated;
  private final Bands bands;
  private final @Nullable Activation gate;
  private final @Nullable Activation then;

  private PairwiseStep(
      Team team,
      Kernel kernel,
      @Nullable Activation gate,
      @Nullable Activation then,
      Span a,
      Span b,
      Span y,
      long leastElements) {
    this.team = team;
    this.kernel = kernel;
    this.gate = gate;
    this.then = then;
    this.a = a;
    this.b = b;
    this.y = y;
    this.repeated = b.length() < a.length();
    this.bands =
        repeated
            ? Bands.of(a.length() / b.length(), leastElements / b.length(), 1, team.workers())
            : Bands.of(a.length(), leastElements, 1, team.workers());
  }

  static PairwiseStep add(Team team, Span a, Span b, Span y) {
    return new PairwiseStep(team, team.elements()::add, null, null, a, b, y, Bands.LEAST_CHEAP);
  }

  static PairwiseStep multiply(Team team, Span a, Span b, Span y) {
    return new PairwiseStep(
        team, team.elements()::multiply, null, null, a, b, y, Bands.LEAST_CHEAP);
  }

  static PairwiseStep gate(Team team, Activation activation, Span gate, Span up, Span y) {
    ElementLoops elements = team.elements();
    Kernel kernel =
        (g, gAt, u, uAt, z, zAt, n) -> elements.gate(activation, g, gAt, u, uAt, z, zAt, n);
    return new PairwiseStep(team, kernel, activation, null, gate, up, y, Bands.LEAST_COSTLY);
  }

  /** Returns a sweep with this added, if this gates the results that the sweep ends in. */
  @Nullable MatVecStep after(MatVecStep sweep) {
    return gate == null || then != null ? null : sweep.gated(gate, a, b, y);
  }

  /** Returns a step that applies an activation to the results as well, if it replaces these. */
  @Nullable PairwiseStep then(ActivateStep activate) {
    Activation inPlace = activate.inPlace();
    return inPlace == null || repeated || then != null || !activate.result().equals(y)
        ? null
        : new PairwiseStep(team, kernel, gate, inPlace, a, b, y, Bands.LEAST_COSTLY);
  }

  /** Returns what computes the elements one by one, or null if the second value is repeated. */
  @Nullable Elements elements() {
    return repeated ? null : this;
  }

  @Override
  public Span result() {
    return y;
  }

  @Override
  public boolean reads(Span span) {
    return a.meets(span) || b.meets(span);
  }

  @Override
  public void compute(int from, int count, float[] to, int toAt) {
    if (then == null) {
      kernel.apply(a.floats(), a.at() + from, b.floats(), b.at() + from, to, toAt, count);
      return;
    }
    for (int i = 0; i < count; i += Elements.CACHED) {
      int some = Math.min(Elements.CACHED, count - i);
      int at = from + i;
      kernel.apply(a.floats(), a.at() + at, b.floats(), b.at() + at, to, toAt + i, some);
      team.elements().activate(then, to, toAt + i, to, toAt + i, some);
    }
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int from = bands.from(band);
    int to = bands.to(band);
    if (!repeated) {
      compute(from, to - from, y.floats(), y.at() + from);
      return;
    }
    int n = b.length();
    for (int i = from; i < to; i++) {
      kernel.apply(a.floats(), a.at() + i * n, b.floats(), b.at(), y.floats(), y.at() + i * n, n);
    }
  }
}
