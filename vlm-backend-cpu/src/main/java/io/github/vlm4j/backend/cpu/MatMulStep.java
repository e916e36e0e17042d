package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import org.jspecify.annotations.Nullable;

/** A linear layer of many input rows: they are packed once, then all threads multiply. */
final class MatMulStep implements Step {

  /** Multiplications below which another thread does not pay. */
  private static final long LEAST_PRODUCTS = 1 << 16;

  private static final long LEAST_FLOATS_PACKED = 1 << 14;

  private final Team team;
  private final Span x;
  private final Matrix weight;
  private final float @Nullable [] bias;
  private final Span y;
  private final int rows;
  private final Bands tiles;
  private final Bands outputs;
  private final Workers.Task pack = this::pack;
  private final Workers.Task multiply = this::multiply;

  MatMulStep(Team team, Span x, Matrix weight, float @Nullable [] bias, Span y, int rows) {
    this.team = team;
    this.x = x;
    this.weight = weight;
    this.bias = bias;
    this.y = y;
    this.rows = rows;
    Kernels kernels = team.kernels();
    int inputs = weight.columns();
    team.packed().require(kernels.packedFloats(rows, inputs));
    team.scratch().require(kernels.matMulScratch(inputs));
    int tile = kernels.inputTile();
    this.tiles =
        Bands.of(
            Math.ceilDiv(rows, tile),
            LEAST_FLOATS_PACKED / Math.max(1, (long) tile * inputs),
            1,
            team.workers());
    this.outputs =
        Bands.of(
            weight.rows(),
            LEAST_PRODUCTS / Math.max(1, (long) rows * inputs),
            kernels.outputTile(),
            team.workers());
  }

  @Override
  public void run() {
    team.workers().run(tiles.count(), pack);
    team.workers().run(outputs.count(), multiply);
  }

  private void pack(int band, int worker) {
    team.kernels()
        .packInputs(
            x.floats(),
            x.at(),
            rows,
            weight.columns(),
            team.packed().array(0),
            0,
            tiles.from(band),
            tiles.to(band));
  }

  private void multiply(int band, int worker) {
    team.kernels()
        .matMul(
            team.packed().array(0),
            0,
            rows,
            weight,
            outputs.from(band),
            outputs.to(band),
            bias,
            y.floats(),
            y.at(),
            weight.rows(),
            team.scratch().array(worker));
  }
}
