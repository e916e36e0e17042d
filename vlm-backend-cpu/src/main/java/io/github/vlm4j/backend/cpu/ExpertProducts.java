package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;

/**
 * How the rows of an expert are multiplied with its weights: an expert that few rows use is bound
 * by reading the weights, one that many use by computing. Each expert of a run may have another
 * number of rows, so that all ways have to be at hand.
 *
 * @param few for up to {@code mostFew} rows
 * @param even for more
 * @param uneven for more that leave {@link #IDLE_LANES} or more of a panel's lanes without a row
 * @param panel the rows that {@code even} computes at once
 */
record ExpertProducts(
    BandProduct few, int mostFew, BandProduct even, BandProduct uneven, int panel) {

  /** Lanes whose work would take longer than laying out weights: met with 512-bit vectors only. */
  private static final int IDLE_LANES = 16;

  /** Returns the products with weights that have a row for each output. */
  static ExpertProducts of(Kernels kernels, RunLoops runs) {
    int mostFew = Math.min(Lowering.MOST_MAT_VEC_ROWS, kernels.inputTile());
    return new ExpertProducts(
        new MatVecProduct(kernels),
        mostFew,
        new PackedProduct(kernels),
        new RunProduct(kernels, runs, false),
        kernels.inputTile());
  }

  /**
   * Returns the products with weights that have a row for each input; {@link StreamedExperts} sees
   * to few rows.
   */
  static ExpertProducts transposed(Kernels kernels, RunLoops runs) {
    BandProduct many = new RunProduct(kernels, runs, true);
    return new ExpertProducts(many, 0, many, many, 1);
  }

  /** Returns the one for a number of rows. */
  BandProduct of(int rows) {
    if (rows <= mostFew) {
      return few;
    }
    return Math.floorMod(-rows, panel) < IDLE_LANES ? even : uneven;
  }

  /** Returns the floats of scratch that any of them needs. */
  long scratch(int inputs, int outputs) {
    return Math.max(
        few.scratch(inputs, outputs),
        Math.max(even.scratch(inputs, outputs), uneven.scratch(inputs, outputs)));
  }

  /** Returns the most rows of a block of any of them. */
  int mostRows() {
    return Math.max(few.mostRows(), Math.max(even.mostRows(), uneven.mostRows()));
  }
}
