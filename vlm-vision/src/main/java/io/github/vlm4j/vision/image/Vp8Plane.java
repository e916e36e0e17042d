package io.github.vlm4j.vision.image;

import java.util.Arrays;

/**
 * One plane of a VP8 frame, padded to whole macroblocks, with the border that prediction reads: a
 * row of 127 above (from the corner to beyond the right edge) and a column of 129 to the left.
 */
final class Vp8Plane {

  private static final int LEFT = 1;
  private static final int RIGHT = 4;

  final byte[] samples;
  final int stride;

  Vp8Plane(int width, int height) {
    stride = LEFT + width + RIGHT;
    samples = new byte[Math.multiplyExact(stride, height + 1)];
    Arrays.fill(samples, 0, stride, (byte) 127);
    for (int at = stride; at < samples.length; at += stride) {
      samples[at] = (byte) 129;
    }
  }

  int index(int x, int y) {
    return (y + 1) * stride + LEFT + x;
  }

  int at(int index) {
    return samples[index] & 0xff;
  }

  void set(int index, int value) {
    samples[index] = (byte) (value < 0 ? 0 : Math.min(value, 255));
  }
}
