package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.util.Arrays;

/**
 * Resizes 8-bit RGB pictures with an antialiasing filter: when shrinking, the kernel is widened by
 * the scale, so that every input pixel counts. Two passes, rows first, with the result of the first
 * rounded to 8 bits, in fixed-point arithmetic.
 *
 * <p>The libraries that do it this way differ in the precision of the fixed point, and so does the
 * last digit of their results. Both are offered, and both are equal to their reference bit for bit
 * in our tests: {@link Arithmetic#PILLOW} (`src/libImaging/Resample.c`) and {@link
 * Arithmetic#TORCH} (torchvision on uint8 tensors, `aten/src/ATen/native/cpu/UpSampleKernel.cpp`),
 * which is what transformers 5 uses unless asked otherwise. They differ from one another by at most
 * 2 levels of 255.
 *
 * <p>Instances hold the weights for one pair of sizes and are immutable.
 */
public final class Resampler {

  private static final int CHANNELS = 3;

  /** The fixed-point arithmetic of a reference implementation. */
  public enum Arithmetic {
    /** Pillow: weights of 22 fractional bits. */
    PILLOW,
    /** torchvision: weights as 16-bit integers, with as many fractional bits as then fit. */
    TORCH
  }

  private final int width;
  private final int height;
  private final int targetWidth;
  private final int targetHeight;
  private final Weights horizontal;
  private final Weights vertical;

  /**
   * Prepares to resize pictures of one size.
   *
   * @param width input columns
   * @param height input rows
   * @param targetWidth output columns
   * @param targetHeight output rows
   * @param filter the kernel
   * @param arithmetic whose results to reproduce
   * @throws InputException if a size is not positive or the output does not fit into an array
   */
  public Resampler(
      int width,
      int height,
      int targetWidth,
      int targetHeight,
      ResampleFilter filter,
      Arithmetic arithmetic) {
    if (Math.min(Math.min(width, height), Math.min(targetWidth, targetHeight)) < 1
        || (long) targetWidth * Math.max(height, targetHeight)
            > (Integer.MAX_VALUE - 8) / CHANNELS) {
      throw new InputException(
          "A picture of %d×%d cannot be resized to %d×%d; choose 1 to 700 million pixels."
              .formatted(width, height, targetWidth, targetHeight));
    }
    this.width = width;
    this.height = height;
    this.targetWidth = targetWidth;
    this.targetHeight = targetHeight;
    this.horizontal = Weights.of(width, targetWidth, filter, arithmetic);
    this.vertical = Weights.of(height, targetHeight, filter, arithmetic);
  }

  /**
   * Resizes a picture.
   *
   * @param image a picture of the size given to the constructor
   * @return RGB, `[targetHeight, targetWidth, 3]`
   * @throws InputException if the picture has another size
   */
  public byte[] resize(Image image) {
    if (image.width() != width || image.height() != height) {
      throw new InputException(
          "%s is not of the size this resampler was made for, %d×%d; make one for its size."
              .formatted(image, width, height));
    }
    boolean columnsChange = width != targetWidth;
    boolean rowsChange = height != targetHeight;
    byte[] narrowed = new byte[CHANNELS * targetWidth * height];
    if (!columnsChange) {
      image.copyRows(0, height, narrowed, 0);
    } else {
      byte[] row = new byte[CHANNELS * width];
      for (int y = 0; y < height; y++) {
        image.copyRows(y, 1, row, 0);
        horizontal.alongRow(row, narrowed, CHANNELS * targetWidth * y);
      }
    }
    if (!rowsChange) {
      return narrowed;
    }
    int stride = CHANNELS * targetWidth;
    byte[] resized = new byte[stride * targetHeight];
    int[] sums = new int[stride];
    for (int y = 0; y < targetHeight; y++) {
      vertical.acrossRows(y, narrowed, stride, sums, resized);
    }
    return resized;
  }

  /** The fixed-point weights of every output position along one axis. */
  private static final class Weights {

    private static final int PILLOW_BITS = 32 - 8 - 2;

    /** The first input position of each output position, and how many there are. */
    private final int[] starts;

    private final int[] counts;

    /** `[outputs, taps]`. */
    private final int[] values;

    private final int taps;

    /** Of a weight's fraction. */
    private final int bits;

    private Weights(int[] starts, int[] counts, int[] values, int taps, int bits) {
      this.starts = starts;
      this.counts = counts;
      this.values = values;
      this.taps = taps;
      this.bits = bits;
    }

    static Weights of(int inputs, int outputs, ResampleFilter filter, Arithmetic arithmetic) {
      double scale = (double) inputs / outputs;
      double stretch = Math.max(scale, 1);
      double support = filter.support() * stretch;
      int taps = (int) Math.ceil(support) * 2 + 1;
      int[] starts = new int[outputs];
      int[] counts = new int[outputs];
      double[] exact = new double[Math.multiplyExact(outputs, taps)];
      double largest = 0;
      for (int i = 0; i < outputs; i++) {
        double center = scale * (i + 0.5);
        int start = Math.max((int) (center - support + 0.5), 0);
        int count = Math.min((int) (center + support + 0.5), inputs) - start;
        double sum = 0;
        for (int j = 0; j < count; j++) {
          // Multiplied by the inverse, as both references do it, for the same last digit.
          double weight = filter.weight((j + start - center + 0.5) * (1 / stretch));
          exact[i * taps + j] = weight;
          sum += weight;
        }
        for (int j = 0; j < count && sum != 0; j++) {
          exact[i * taps + j] /= sum;
          largest = Math.max(largest, exact[i * taps + j]);
        }
        starts[i] = start;
        counts[i] = count;
      }
      int bits = arithmetic == Arithmetic.PILLOW ? PILLOW_BITS : shortBits(largest);
      int[] values = new int[exact.length];
      for (int i = 0; i < exact.length; i++) {
        double scaled = exact[i] * (1 << bits);
        values[i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
      }
      return new Weights(starts, counts, values, taps, bits);
    }

    /** The most fractional bits with which the largest weight is a 16-bit integer. */
    private static int shortBits(double largest) {
      int bits = 0;
      while (bits < PILLOW_BITS && (int) (0.5 + largest * (1 << (bits + 1))) < 1 << 15) {
        bits++;
      }
      return bits;
    }

    void alongRow(byte[] row, byte[] target, int at) {
      int half = 1 << (bits - 1);
      for (int i = 0; i < starts.length; i++) {
        int red = half;
        int green = half;
        int blue = half;
        int from = CHANNELS * starts[i];
        int first = i * taps;
        for (int j = first; j < first + counts[i]; j++, from += CHANNELS) {
          int weight = values[j];
          red += weight * (row[from] & 0xff);
          green += weight * (row[from + 1] & 0xff);
          blue += weight * (row[from + 2] & 0xff);
        }
        target[at++] = (byte) Math.min(Math.max(red >> bits, 0), 255);
        target[at++] = (byte) Math.min(Math.max(green >> bits, 0), 255);
        target[at++] = (byte) Math.min(Math.max(blue >> bits, 0), 255);
      }
    }

    void acrossRows(int output, byte[] rows, int stride, int[] sums, byte[] target) {
      Arrays.fill(sums, 1 << (bits - 1));
      for (int j = 0; j < counts[output]; j++) {
        accumulate(rows, (starts[output] + j) * stride, values[output * taps + j], sums);
      }
      int at = output * stride;
      for (int x = 0; x < sums.length; x++) {
        target[at + x] = (byte) Math.min(Math.max(sums[x] >> bits, 0), 255);
      }
    }

    private static void accumulate(byte[] rows, int from, int weight, int[] sums) {
      for (int x = 0; x < sums.length; x++) {
        sums[x] += weight * (rows[from + x] & 0xff);
      }
    }
  }
}
