package io.github.vlm4j.backend.cpu.kernel;

/**
 * The innermost loop of products whose inputs are laid out as panels, with vectors that run along
 * the inputs, which is what {@link Kernels#matMul} and {@link Kernels#attend} are made of.
 */
public interface PanelLoops {

  /**
   * Sets {@code c} to the sums that {@link #add} adds to it, of panels as wide as {@link
   * Kernels#inputTile} says.
   */
  void multiply(
      float[] w, int wAt, int step, int rows, float[] x, int xAt, int k, float[] c, int cAt);

  /**
   * Adds {@code Σ w[wAt + i·step + p] · x[xAt + p·width + j]} over p to {@code c[cAt + i·width +
   * j]}, in the order of p.
   *
   * @param w rows of weights
   * @param step from a row to the next
   * @param rows how many, a multiple of {@link Kernels#outputTile}
   * @param x a panel, {@code [k, width]}
   * @param width a multiple of the floats of a vector, at most {@link Kernels#inputTile}
   * @param c {@code [rows, width]}
   */
  void add(
      float[] w,
      int wAt,
      int step,
      int rows,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] c,
      int cAt);

  /**
   * Replaces a tile of attention scores by their exponentials, relative to the greatest score of
   * each query so far, and brings results and sums of earlier tiles to the same base.
   *
   * @param keys the rows of scores, at least 1
   * @param scores {@code [keys, inputTile]}, at {@code at}; -∞ for what is not seen
   * @param results what follows at {@code resultsAt}: results {@code [depth, inputTile]}, then the
   *     greatest scores and the sums {@code [inputTile]}
   */
  void soften(int keys, float[] scores, int at, float[] results, int resultsAt, int depth);

  /**
   * Writes {@code y[yAt + j·yStep + i] = x[xAt + i·xStep + j]} for i below {@code rows} and j below
   * {@code columns}: how panels and values are laid out.
   */
  void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep);
}
