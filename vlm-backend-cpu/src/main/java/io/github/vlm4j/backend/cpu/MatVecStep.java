package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer of one input row or a few: bound by reading the weights, which are streamed once.
 * With several rows, a band of weights is still in the cache when the next row needs it.
 */
final class MatVecStep implements Step, Workers.Task {

  /** Bytes of weights below which another thread does not pay. */
  private static final long LEAST_BYTES = 1 << 16;

  /** Bytes of weights that stay in a core's second cache from one row to the next. */
  private static final long CACHED_BYTES = 1 << 18;

  /** Kernels stream several rows of weights side by side. */
  private static final int MULTIPLE = 8;

  private final Team team;
  private final Span x;
  private final Matrix weight;
  private final float @Nullable [] bias;
  private final Span y;
  private final int rows;
  private final Bands bands;

  MatVecStep(Team team, Span x, Matrix weight, float @Nullable [] bias, Span y, int rows) {
    this.team = team;
    this.x = x;
    this.weight = weight;
    this.bias = bias;
    this.y = y;
    this.rows = rows;
    team.scratch().require(team.kernels().matVecScratch(weight.columns()));
    long rowBytes = Math.max(1, weight.dtype().bytes(weight.columns()));
    Bands even =
        Bands.of(weight.rows(), Math.ceilDiv(LEAST_BYTES, rowBytes), MULTIPLE, team.workers());
    this.bands =
        rows == 1 ? even : new Bands(weight.rows(), Math.min(even.size(), cachedRows(weight)));
  }

  /** Returns how many rows of weights stay in the cache for the next row of inputs. */
  static int cachedRows(Matrix weight) {
    long rowBytes = Math.max(1, weight.dtype().bytes(weight.columns()));
    return (int) Math.max(1, CACHED_BYTES / rowBytes / MULTIPLE) * MULTIPLE;
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    for (int row = 0; row < rows; row++) {
      team.kernels()
          .matVec(
              weight,
              bands.from(band),
              bands.to(band),
              x.floats(),
              x.at() + row * weight.columns(),
              bias,
              y.floats(),
              y.at() + row * weight.rows(),
              team.scratch().array(worker));
    }
  }
}
