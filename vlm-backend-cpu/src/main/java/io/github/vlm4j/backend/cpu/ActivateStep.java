package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.Activation;
import org.jspecify.annotations.Nullable;

/** A non-linearity by element. */
final class ActivateStep implements Step, Workers.Task, Elements {

  private final Team team;
  private final Activation activation;
  private final Span x;
  private final Span y;
  private final Bands bands;

  ActivateStep(Team team, Activation activation, Span x, Span y) {
    this.team = team;
    this.activation = activation;
    this.x = x;
    this.y = y;
    this.bands = Bands.of(x.length(), Bands.LEAST_COSTLY, 1, team.workers());
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int from = bands.from(band);
    compute(from, bands.to(band) - from, y.floats(), y.at() + from);
  }

  @Override
  public void compute(int from, int count, float[] to, int toAt) {
    team.elements().activate(activation, x.floats(), x.at() + from, to, toAt, count);
  }

  @Override
  public Span result() {
    return y;
  }

  @Override
  public boolean reads(Span span) {
    return x.meets(span);
  }

  /** Returns the activation if it replaces what it reads by its results. */
  @Nullable Activation inPlace() {
    return x.equals(y) ? activation : null;
  }
}
