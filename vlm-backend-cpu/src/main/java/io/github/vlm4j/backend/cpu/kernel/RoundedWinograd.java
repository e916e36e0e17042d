package io.github.vlm4j.backend.cpu.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The transforms of the convolution F(2, 3) of Winograd, "Arithmetic Complexity of Computations"
 * (1980), along lines of pixels: two results side by side cost four multiplications in place of six
 * for each pair of channels and line of a kernel. Numbers are rounded once they are transformed:
 * kernels as {@link RoundedLoops#packWeights} rounds weights, windows as {@link
 * RoundedLoops#prepareInputs} does. The loops have to take inputs from any row on.
 *
 * <p>A window of four pixels d, a line of a kernel g and its results y are related by {@code y =
 * Aᵀ·[(G·g) ⊙ (Bᵀ·d)]}, where the products are summed over channels and over the lines of a kernel.
 * Along columns too, as {@link Winograd} does it in f32, multiplications would be a third fewer and
 * errors half as large again: a result has the size of the 9 products of a kernel, and with one
 * transform is a sum of 15 of that size, with two of 25.
 */
public interface RoundedWinograd {

  /** The elements of a transformed window or line of a kernel. */
  int POINTS = 4;

  /** The pixels of a window. */
  int WINDOW = 4;

  /** The results of a window. */
  int RESULTS = 2;

  /** The pixels of a line of a kernel, and the lines of a kernel. */
  int KERNEL = 3;

  /** Returns how many kernels are transformed together. */
  int kernelTile();

  /** Returns the floats of one point of a band of outputs, laid out. */
  int panelFloats(int channels);

  /** Returns the floats of scratch that {@link #packKernels} needs. */
  int packScratch(int channels);

  /**
   * Transforms the kernels of some outputs and lays each point of them out, as weights for inputs
   * of three runs; a band of outputs is laid out whole by several calls.
   *
   * @param w {@code [outputs, 3 · 3 · channels]} in bf16
   * @param bias added to every result, {@code [outputs]} from index 0; or null
   * @param bandRow the first output of the band, which has {@link RoundedLoops#weightTile} at most
   * @param fromRow the first output, a multiple of {@link #kernelTile} from there
   * @param toRow one past the last output, at most {@link #kernelTile} further
   * @param packed point i of the band is laid out from {@code packedAt + i · panelFloats} on
   * @param scratch this thread's own, {@link #packScratch} floats
   */
  void packKernels(
      Matrix w,
      float @Nullable [] bias,
      int bandRow,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch);

  /**
   * Transforms and rounds windows side by side, two pixels from one to the next.
   *
   * @param xAt the first pixel of the first
   * @param channels the distance between pixels
   * @param count the windows, at least 1
   * @param rounded rows as {@link RoundedLoops#preparedRuns} says; point i of window j is row
   *     {@code row + i · rowsApart + j}
   */
  void windows(
      float[] x,
      int xAt,
      int channels,
      int count,
      float[] rounded,
      int roundedAt,
      int row,
      int rowsApart);

  /**
   * Transforms sums of products to the results of windows side by side.
   *
   * @param m point i of channel c of window j lies at {@code mAt + i · apart + j · channels + c}
   * @param count the windows, at least 1; just one if it has no right result
   * @param y receives the left result of the first from {@code yAt} on
   * @param pixel the distance between results side by side; 0 if there is only a left one
   */
  void results(
      float[] m, int mAt, int apart, int channels, int count, float[] y, int yAt, int pixel);
}
