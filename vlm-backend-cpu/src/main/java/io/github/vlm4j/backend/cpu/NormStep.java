package io.github.vlm4j.backend.cpu;

import org.jspecify.annotations.Nullable;

/** A norm over the last dimension: by mean and variance with a shift, by mean square without. */
final class NormStep implements Step, Workers.Task, Elements {

  private final Team team;
  private final Span x;
  private final float[] weight;
  private final float @Nullable [] shift;
  private final float eps;
  private final Span y;
  private final Bands bands;

  private NormStep(Team team, Span x, float[] weight, float @Nullable [] shift, float eps, Span y) {
    this.team = team;
    this.x = x;
    this.weight = weight;
    this.shift = shift;
    this.eps = eps;
    this.y = y;
    this.bands = Bands.of(x.length() / unit(), Bands.LEAST_CHEAP / unit(), 1, team.workers());
  }

  static NormStep rms(Team team, Span x, float[] weight, float eps, Span y) {
    return new NormStep(team, x, weight, null, eps, y);
  }

  static NormStep layer(Team team, Span x, float[] weight, float[] shift, float eps, Span y) {
    return new NormStep(team, x, weight, shift, eps, y);
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int from = bands.from(band) * unit();
    compute(from, bands.to(band) * unit() - from, y.floats(), y.at() + from);
  }

  @Override
  public void compute(int from, int count, float[] to, int toAt) {
    int n = weight.length;
    int rows = count / unit();
    int xAt = x.at() + from;
    if (shift == null) {
      team.elements().rmsNorm(x.floats(), xAt, weight, eps, to, toAt, rows, n);
    } else {
      team.elements().layerNorm(x.floats(), xAt, weight, shift, eps, to, toAt, rows, n);
    }
  }

  @Override
  public Span result() {
    return y;
  }

  @Override
  public int unit() {
    return Math.max(1, weight.length);
  }

  @Override
  public boolean reads(Span span) {
    return x.meets(span);
  }
}
