package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;

/** Row by row, streaming weights that are stored the other way round. */
record VecMatProduct(Kernels kernels) implements BandProduct {

  @Override
  public int mostRows() {
    return Lowering.MOST_MAT_VEC_ROWS;
  }

  @Override
  public long scratch(int inputs, int outputs) {
    return 0;
  }

  @Override
  public void prepare(RowBlock block, float[] scratch) {}

  @Override
  public void multiply(
      RowBlock block, Matrix w, int from, int to, float[] y, int yAt, int apart, float[] scratch) {
    for (int row = 0; row < block.count; row++) {
      kernels.vecMat(w, from, to, block.x, block.start(row), y, yAt + row * apart - from);
    }
  }
}
