package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Patches;
import org.jspecify.annotations.Nullable;

/**
 * A convolution as the product of patches with kernels: a block of patches at a time is copied
 * straight into the panels that matrix products read, then all threads multiply.
 */
final class ConvolveStep implements Step {

  /** Floats of packed patches that stay cached until all kernels have passed. */
  private static final long BLOCK_FLOATS = 1 << 18;

  private static final long LEAST_PRODUCTS = 1 << 16;

  private final Team team;
  private final Patches patches;
  private final Span x;
  private final Matrix kernel;
  private final float @Nullable [] bias;
  private final Span y;
  private final int rows;
  private final int blockRows;
  private final Bands outputs;
  private final Workers.Task pack = this::pack;
  private final Workers.Task multiply = this::multiply;
  private int blockStart;
  private int blockEnd;

  /**
   * Lowers a convolution.
   *
   * @param kernel {@code [out, patches.size()]}
   * @param rows the number of patches of all pictures
   */
  ConvolveStep(
      Team team,
      Patches patches,
      Span x,
      Matrix kernel,
      float @Nullable [] bias,
      Span y,
      int rows) {
    this.team = team;
    this.patches = patches;
    this.x = x;
    this.kernel = kernel;
    this.bias = bias;
    this.y = y;
    this.rows = rows;
    Kernels kernels = team.kernels();
    int size = patches.size();
    int tile = kernels.inputTile();
    int tiles = (int) Math.max(1, BLOCK_FLOATS / Math.max(1, (long) size * tile));
    this.blockRows = Math.min(rows, tiles * tile);
    team.packed().require(kernels.packedFloats(blockRows, size));
    team.scratch().require(Math.max(kernels.matMulScratch(size), Math.multiplyExact(tile, size)));
    this.outputs =
        Bands.of(
            kernel.rows(),
            LEAST_PRODUCTS / Math.max(1, (long) blockRows * size),
            kernels.outputTile(),
            team.workers());
  }

  @Override
  public void run() {
    for (blockStart = 0; blockStart < rows; blockStart += blockRows) {
      blockEnd = Math.min(rows, blockStart + blockRows);
      team.workers().run(Math.ceilDiv(blockEnd - blockStart, team.kernels().inputTile()), pack);
      team.workers().run(outputs.count(), multiply);
    }
  }

  private void pack(int tile, int worker) {
    int size = patches.size();
    int first = tile * team.kernels().inputTile();
    int count = Math.min(team.kernels().inputTile(), blockEnd - blockStart - first);
    float[] scratch = team.scratch().array(worker);
    for (int i = 0; i < count; i++) {
      patches.copy(x.floats(), x.at(), blockStart + first + i, 0, size, scratch, i * size);
    }
    team.kernels().packInputs(scratch, 0, count, size, team.packed().array(0), first * size, 0, 1);
  }

  private void multiply(int band, int worker) {
    team.kernels()
        .matMul(
            team.packed().array(0),
            0,
            blockEnd - blockStart,
            kernel,
            outputs.from(band),
            outputs.to(band),
            bias,
            y.floats(),
            y.at() + blockStart * kernel.rows(),
            kernel.rows(),
            team.scratch().array(worker));
  }
}
