package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Convolution and pooling of pictures, channels last: one thread for each number of the result. */
public final class ConvolutionKernels {

  private ConvolutionKernels() {}

  /**
   * Convolves with f32 weights {@code [out, kh, kw, in]}. Parameters: threads, x, y, bias or -1, w;
   * height, width and channels of a picture; height, width and channels of the result; height and
   * width of the window; stride, padding.
   */
  public static void convolve(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int height = p.get(5);
      int width = p.get(6);
      int channels = p.get(7);
      int out = p.get(10);
      int windowWidth = p.get(12);
      int o = i % out;
      int column = i / out % p.get(9);
      int row = i / out / p.get(9) % p.get(8);
      int picture = i / out / p.get(9) / p.get(8);
      int top = row * p.get(13) - p.get(14);
      int left = column * p.get(13) - p.get(14);
      float sum = 0f;
      for (int u = 0; u < p.get(11); u++) {
        int h = top + u;
        if (h >= 0 && h < height) {
          for (int v = 0; v < windowWidth; v++) {
            int w = left + v;
            if (w >= 0 && w < width) {
              int x = p.get(1) + ((picture * height + h) * width + w) * channels;
              int k = p.get(4) + ((o * p.get(11) + u) * windowWidth + v) * channels;
              for (int c = 0; c < channels; c++) {
                sum += floats.get(x + c) * floats.get(k + c);
              }
            }
          }
        }
      }
      if (p.get(3) >= 0) {
        sum += floats.get(p.get(3) + o);
      }
      floats.set(p.get(2) + i, sum);
    }
  }

  /**
   * Averages windows side by side. Parameters: threads, x, y; height, width and channels of a
   * picture; height and width of the result; height and width of a window.
   */
  public static void averagePool(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int channels = p.get(5);
      int c = i % channels;
      int column = i / channels % p.get(7);
      int row = i / channels / p.get(7) % p.get(6);
      int picture = i / channels / p.get(7) / p.get(6);
      float sum = 0f;
      for (int u = 0; u < p.get(8); u++) {
        int h = picture * p.get(3) + row * p.get(8) + u;
        for (int v = 0; v < p.get(9); v++) {
          sum += floats.get(p.get(1) + (h * p.get(4) + column * p.get(9) + v) * channels + c);
        }
      }
      floats.set(p.get(2) + i, sum / (p.get(8) * p.get(9)));
    }
  }
}
