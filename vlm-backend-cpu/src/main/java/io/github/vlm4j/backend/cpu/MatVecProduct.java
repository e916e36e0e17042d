package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;

/** Row by row, streaming the weights, of which a part stays in the cache for the next row. */
record MatVecProduct(Kernels kernels) implements BandProduct {

  @Override
  public int mostRows() {
    return Lowering.MOST_MAT_VEC_ROWS;
  }

  @Override
  public long scratch(int inputs, int outputs) {
    return kernels.matVecScratch(inputs);
  }

  @Override
  public void prepare(RowBlock block, float[] scratch) {}

  @Override
  public void multiply(
      RowBlock block, Matrix w, int from, int to, float[] y, int yAt, int apart, float[] scratch) {
    int atOnce = block.count == 1 ? to - from : MatVecStep.cachedRows(w);
    for (int first = from; first < to; first += atOnce) {
      int last = Math.min(to, first + atOnce);
      for (int row = 0; row < block.count; row++) {
        int at = yAt + row * apart - from;
        kernels.matVec(w, first, last, block.x, block.start(row), null, y, at, scratch);
      }
    }
  }
}
