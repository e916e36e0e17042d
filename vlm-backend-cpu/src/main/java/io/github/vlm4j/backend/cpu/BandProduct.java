package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;

/** A way to multiply a block of rows with a band of a matrix's outputs on one thread. */
interface BandProduct {

  /** Returns the most rows of a block. */
  int mostRows();

  /**
   * Returns the floats of scratch that one thread needs.
   *
   * @param inputs the length of a row
   * @param outputs the most outputs of a band
   */
  long scratch(int inputs, int outputs);

  /** Rearranges a block's rows in the scratch, if that is done, for the products that follow. */
  void prepare(RowBlock block, float[] scratch);

  /**
   * Computes outputs {@code from} to {@code to} of the block that was prepared last.
   *
   * @param y output r of row i is written at {@code yAt + i·apart + r − from}
   * @param scratch this thread's own
   */
  void multiply(
      RowBlock block, Matrix w, int from, int to, float[] y, int yAt, int apart, float[] scratch);
}
