package io.github.vlm4j.backend.cpu;

/**
 * How the rows of an expert are multiplied with its weights: an expert that few rows use is bound
 * by reading the weights, one that many use by computing.
 *
 * @param few for up to {@code mostFew} rows
 * @param many for more
 */
record ExpertProducts(BandProduct few, int mostFew, BandProduct many) {

  /** Returns the products with weights that have a row for each output. */
  static ExpertProducts of(Team team) {
    int most = Math.min(Lowering.MOST_MAT_VEC_ROWS, team.kernels().inputTile());
    return new ExpertProducts(
        new MatVecProduct(team.kernels()), most, new PackedProduct(team.kernels()));
  }

  /** Returns the products with weights that have a row for each input. */
  static ExpertProducts transposed(Team team) {
    return new ExpertProducts(new VecMatProduct(team.kernels()), 2, new RunProduct(team.kernels()));
  }

  /** Returns the one for a number of rows. */
  BandProduct of(int rows) {
    return rows <= mostFew ? few : many;
  }

  /** Returns the floats of scratch that any of them needs. */
  long scratch(int inputs, int outputs) {
    return Math.max(few.scratch(inputs, outputs), many.scratch(inputs, outputs));
  }

  /** Returns the most rows of a block of any of them. */
  int mostRows() {
    return Math.max(few.mostRows(), many.mostRows());
  }
}
