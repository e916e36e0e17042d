package io.github.vlm4j.backend.cpu.kernel;

/**
 * The innermost loop of products whose inputs are laid out as panels, with vectors that run along
 * the inputs, which is what {@link Kernels#matMul} and {@link Kernels#attend} are made of.
 */
public interface PanelLoops {

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
}
