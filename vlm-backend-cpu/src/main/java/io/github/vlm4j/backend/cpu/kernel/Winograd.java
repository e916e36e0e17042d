package io.github.vlm4j.backend.cpu.kernel;

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

  /**
   * Transforms the kernel of one output, {@code G·g·Gᵀ} for each input channel.
   *
   * @param g three lines of three pixels, one after the other
   * @param pixel the distance between pixels
   * @param u element i of channel c is written at {@code uAt + i · apart + c}
   */
  void kernel(float[] g, int gAt, int pixel, int channels, float[] u, int uAt, int apart);

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
