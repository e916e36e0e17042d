package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;

/**
 * Many rows at once, read where they lie, with weights that are laid out for that. The scratch
 * holds what the kernel needs, then some outputs' weights.
 *
 * @param runs what multiplies with weights as the kernels lay them out
 * @param transposed whether weights are stored with a row for each input; they are laid out by
 *     copying alone then
 */
record RunProduct(Kernels kernels, RunLoops runs, boolean transposed) implements BandProduct {

  /** More rows would pay less and less for laying out weights. */
  private static final int ROWS = 480;

  /** Floats of weights that stay in a second cache, beside the inputs. */
  private static final int PACKED_FLOATS = 1 << 16;

  @Override
  public int mostRows() {
    return ROWS / kernels.runTile() * kernels.runTile();
  }

  @Override
  public long scratch(int inputs, int outputs) {
    return (long) kernels.runScratch() + kernels.packedWeightFloats(atOnce(inputs), inputs);
  }

  private int atOnce(int inputs) {
    int tile = kernels.weightTile();
    return Math.max(1, PACKED_FLOATS / Math.max(1, inputs) / tile) * tile;
  }

  @Override
  public void prepare(RowBlock block, float[] scratch) {}

  @Override
  public void multiply(
      RowBlock block, Matrix w, int from, int to, float[] y, int yAt, int apart, float[] scratch) {
    int packed = kernels.runScratch();
    int atOnce = atOnce(transposed ? w.rows() : w.columns());
    for (int first = from; first < to; first += atOnce) {
      int last = Math.min(to, first + atOnce);
      if (transposed) {
        kernels.packColumns(w, first, last, scratch, packed);
      } else {
        kernels.packWeights(w, null, first, last, scratch, packed, scratch);
      }
      runs.multiplyRuns(
          block.x,
          block.xAt,
          block.rows,
          block.first,
          block.first + block.count,
          scratch,
          packed,
          first,
          last,
          y,
          yAt - block.first * apart - from,
          apart,
          scratch);
    }
  }
}
