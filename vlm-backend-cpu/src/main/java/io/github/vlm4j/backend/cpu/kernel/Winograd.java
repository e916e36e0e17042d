package io.github.vlm4j.backend.cpu.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The transforms of the convolution F(2×2, 3×3) of Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks" (2016): two by two results of a three by three kernel cost 16
 * multiplications for each pair of channels in place of 36.
 *
 * <p>A window of four by four pixels d, a kernel g and its results y are related by {@code y =
 * Aᵀ·[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]·A}. The 16 products by element are sums over the input channels, and so
 * 16 matrix products over all windows and kernels.
 */
public interface Winograd {

  /** The elements of a transformed window or kernel. */
  int POINTS = 16;

  /** The pixels of a window from one side to the other. */
  int WINDOW = 4;

  /** The results of a window from one side to the other. */
  int RESULTS = 2;

  /** The pixels of a kernel from one side to the other. */
  int KERNEL = 3;

  /** The point that every result of a window has with the factor 1: where a bias is added. */
  int CENTRE = 5;

  /** Returns the floats of scratch that {@link #packKernels} needs for some outputs. */
  int packScratch(int outputs, int channels);

  /**
   * Transforms the kernels of some outputs, {@code G·g·Gᵀ} for each pair of channels, and lays each
   * point of them out as {@link Kernels#multiplyRuns} reads weights.
   *
   * @param w {@code [outputs, 3 · 3 · channels]}
   * @param bias added to every result, {@code [outputs]} from index 0; or null
   * @param fromRow the first output
   * @param toRow one past the last output, at most {@link Kernels#weightTile} further
   * @param packed point i is written from {@code packedAt + i · apart} on, {@link
   *     Kernels#packedWeightFloats} floats each
   * @param scratch this thread's own, {@link #packScratch} floats
   */
  void packKernels(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      int apart,
      float[] scratch);

  /**
   * Transforms a window, {@code Bᵀ·d·B} for each channel.
   *
   * @param xAt the upper left pixel
   * @param pixel the distance between pixels side by side
   * @param line the distance between pixels above each other
   * @param v element i of channel c is written at {@code vAt + i · apart + c}
   */
  void window(float[] x, int xAt, int pixel, int line, int channels, float[] v, int vAt, int apart);

  /**
   * Transforms sums of products to results, {@code Aᵀ·m·A} for each output channel.
   *
   * @param m element i of channel c lies at {@code mAt + i · apart + c}
   * @param y receives the upper left result from {@code yAt} on
   * @param pixel the distance between results side by side; 0 if there is only a left one
   * @param line the distance between results above each other; 0 if there is only an upper one
   */
  void results(
      float[] m, int mAt, int apart, int channels, float[] y, int yAt, int pixel, int line);
}
