package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;

/**
 * Many rows at once, gathered into panels as {@link MatMulStep} packs its own. The scratch holds
 * what the kernel needs, or a panel's rows before they are packed, then the panels.
 */
record PackedProduct(Kernels kernels) implements BandProduct {

  /** More rows would pay less and less for reading weights. */
  private static final int ROWS = 256;

  @Override
  public int mostRows() {
    return ROWS;
  }

  @Override
  public long scratch(int inputs, int outputs) {
    return (long) panels(inputs) + kernels.packedFloats(ROWS, inputs);
  }

  private int panels(int inputs) {
    return Math.max(kernels.matMulScratch(inputs), Math.multiplyExact(kernels.inputTile(), inputs));
  }

  @Override
  public void prepare(RowBlock block, float[] scratch) {
    int inputs = block.rows.length();
    int tile = kernels.inputTile();
    int to = panels(inputs);
    for (int row = 0; row < block.count; row += tile) {
      int rows = Math.min(tile, block.count - row);
      for (int i = 0; i < rows; i++) {
        System.arraycopy(block.x, block.start(row + i), scratch, i * inputs, inputs);
      }
      kernels.packInputs(scratch, 0, rows, inputs, scratch, to + row * inputs, 0, 1);
    }
  }

  @Override
  public void multiply(
      RowBlock block, Matrix w, int from, int to, float[] y, int yAt, int apart, float[] scratch) {
    int packed = panels(w.columns());
    kernels.matMul(scratch, packed, block.count, w, from, to, null, y, yAt - from, apart, scratch);
  }
}
