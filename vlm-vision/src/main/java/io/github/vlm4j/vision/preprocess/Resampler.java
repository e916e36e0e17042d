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

  /** The fixed-point arithmetic of a reference implementation. */
  public enum Arithmetic {
    /** Pillow: weights of 22 fractional bits. */
    PILLOW,
    /** torchvision: weights as 16-bit integers, with as many fractional bits as then fit. */
    TORCH
  }

  /** A picture, or a transformed view of one, that is read by rows. */
  interface Rows {

    /**
     * Copies a row.
     *
     * @param target receives `[width, channels]`
     */
    void copy(int row, byte[] target, int offset);
  }

  private static final int RGB = 3;
  private static final int MAX_CHANNELS = 4;

  private final int width;
  private final int height;
  private final Arithmetic arithmetic;
  private final CropWindow window;
  private final boolean columnsChange;
  private final boolean rowsChange;
  private final AxisWeights columns;
  private final AxisWeights rows;

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
    this(
        width,
        height,
        targetWidth,
        targetHeight,
        CropWindow.whole(targetWidth, targetHeight),
        filter,
        arithmetic);
  }

  /**
   * Prepares to resize pictures of one size and to cut a window out of the results, of which alone
   * the pixels are computed.
   */
  Resampler(
      int width,
      int height,
      int targetWidth,
      int targetHeight,
      CropWindow window,
      ResampleFilter filter,
      Arithmetic arithmetic) {
    if (Math.min(Math.min(width, height), Math.min(targetWidth, targetHeight)) < 1
        || (long) window.width() * Math.max(height, window.height())
            > (Integer.MAX_VALUE - 8) / MAX_CHANNELS) {
      throw new InputException(
          "A picture of %d×%d cannot be resized to %d×%d; choose 1 to 500 million pixels."
              .formatted(width, height, targetWidth, targetHeight));
    }
    this.width = width;
    this.height = height;
    this.arithmetic = arithmetic;
    this.window = window;
    this.columnsChange = width != targetWidth;
    this.rowsChange = height != targetHeight;
    if ((long) MAX_CHANNELS * ColumnPass.SIDE * (width + ColumnPass.SIDE) > Integer.MAX_VALUE - 8) {
      throw new InputException(
          "A picture of %d×%d has too many columns to be resized; crop it first."
              .formatted(width, height));
    }
    this.columns = AxisWeights.of(width, targetWidth, window.left(), window.width(), filter);
    this.rows = AxisWeights.of(height, targetHeight, window.top(), window.height(), filter);
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
    return resize((row, target, offset) -> image.copyRows(row, 1, target, offset), RGB);
  }

  /**
   * Resizes samples of 8 bits.
   *
   * @param source rows of the size given to the constructor
   * @param channels 1 to 4
   * @return `[window.height, window.width, channels]`
   */
  byte[] resize(Rows source, int channels) {
    int firstRow = rowsChange ? rows.firstInput() : window.top();
    int endRow = rowsChange ? rows.endInput() : window.top() + window.height();
    int stride = channels * window.width();
    byte[] narrowed = new byte[stride * (endRow - firstRow)];
    if (columnsChange) {
      ColumnPass pass = new ColumnPass(columns, arithmetic, channels);
      int bufferStride = pass.rowBytes(width);
      byte[] buffer = new byte[Math.multiplyExact(pass.blockRows(), bufferStride)];
      for (int y = firstRow; y < endRow; y += pass.blockRows()) {
        int count = Math.min(pass.blockRows(), endRow - y);
        for (int r = 0; r < count; r++) {
          source.copy(y + r, buffer, r * bufferStride);
        }
        pass.apply(buffer, bufferStride, count, narrowed, (y - firstRow) * stride);
      }
    } else {
      byte[] row = new byte[channels * width];
      for (int y = firstRow; y < endRow; y++) {
        source.copy(y, row, 0);
        System.arraycopy(row, channels * window.left(), narrowed, (y - firstRow) * stride, stride);
      }
    }
    return rowsChange ? resizeRows(narrowed, firstRow, stride) : narrowed;
  }

  private byte[] resizeRows(byte[] narrowed, int firstRow, int stride) {
    int bits = rows.fractionBits(arithmetic);
    int[] weights = rows.fixed(bits);
    byte[] resized = new byte[stride * rows.outputs()];
    int[] sums = new int[stride];
    for (int y = 0; y < rows.outputs(); y++) {
      Arrays.fill(sums, 1 << (bits - 1));
      for (int j = 0; j < rows.count(y); j++) {
        int from = (rows.start(y) - firstRow + j) * stride;
        accumulate(narrowed, from, weights[y * rows.taps() + j], sums);
      }
      int at = y * stride;
      for (int x = 0; x < stride; x++) {
        resized[at + x] = (byte) Math.min(Math.max(sums[x] >> bits, 0), 255);
      }
    }
    return resized;
  }

  private static void accumulate(byte[] rows, int from, int weight, int[] sums) {
    for (int x = 0; x < sums.length; x++) {
      sums[x] += weight * (rows[from + x] & 0xff);
    }
  }
}
