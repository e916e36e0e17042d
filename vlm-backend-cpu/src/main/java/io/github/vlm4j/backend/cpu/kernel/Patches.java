package io.github.vlm4j.backend.cpu.kernel;

import java.util.Arrays;

/**
 * What a convolution's kernel sees at each place, as rows of a matrix that is never stored whole: a
 * convolution is the product of these rows with the kernels (Chellapilla et al., "High Performance
 * Convolutional Neural Networks for Document Processing", 2006).
 *
 * @param height the rows of a picture
 * @param width the columns of a picture
 * @param channels the innermost dimension of a picture
 * @param kernelHeight the rows of the kernel
 * @param kernelWidth the columns of the kernel
 * @param stride the distance between neighbouring places
 * @param padding the zeros around a picture
 * @param outHeight the places from top to bottom
 * @param outWidth the places from left to right
 */
public record Patches(
    int height,
    int width,
    int channels,
    int kernelHeight,
    int kernelWidth,
    int stride,
    int padding,
    int outHeight,
    int outWidth) {

  /** Returns the length of a row. */
  public int size() {
    return Math.multiplyExact(Math.multiplyExact(kernelHeight, kernelWidth), channels);
  }

  /** Returns which picture a row is of. */
  public int picture(int row) {
    return row / outWidth / outHeight;
  }

  /** Returns the first line of the picture that a row sees; negative above the picture. */
  public int top(int row) {
    return row / outWidth % outHeight * stride - padding;
  }

  /** Returns the first column of the picture that a row sees; negative left of the picture. */
  public int left(int row) {
    return row % outWidth * stride - padding;
  }

  /**
   * Returns where the rows lie in pictures that have the padding around them.
   *
   * @param pictures how many
   * @param tile the multiple of rows that kernels compute at once
   */
  public Runs inPaddedPictures(int pictures, int tile) {
    int line = (width + 2 * padding) * channels;
    int rows = pictures * outHeight * outWidth;
    int[] starts = new int[Math.ceilDiv(rows, tile) * tile];
    for (int i = 0; i < starts.length; i++) {
      int row = Math.min(i, rows - 1);
      int top = row / outWidth % outHeight * stride;
      int picture = row / outWidth / outHeight;
      starts[i] =
          (picture * (height + 2 * padding) + top) * line + row % outWidth * stride * channels;
    }
    return new Runs(starts, rows, kernelHeight, kernelWidth * channels, line);
  }

  /**
   * Copies columns of one row.
   *
   * @param x pictures, {@code [n, height, width, channels]}
   * @param xAt where they begin
   * @param row the place, counted over all pictures
   * @param from the first column, less than {@link #size}
   * @param to one past the last column
   * @param y where to, from {@code yAt} on
   */
  public void copy(float[] x, int xAt, int row, int from, int to, float[] y, int yAt) {
    int line = kernelWidth * channels;
    int left = left(row);
    int top = top(row);
    int picture = xAt + picture(row) * height * width * channels;
    // What of a line of the kernel lies inside the picture.
    int inside = Math.clamp(-(long) left * channels, 0, line);
    int outside = Math.clamp(((long) width - left) * channels, inside, line);
    int at = yAt;
    for (int column = from; column < to; ) {
      int kernelRow = column / line;
      int lineStart = kernelRow * line;
      int first = column - lineStart;
      int last = Math.min(line, to - lineStart);
      int pictureRow = top + kernelRow;
      if (pictureRow < 0 || pictureRow >= height) {
        Arrays.fill(y, at, at + last - first, 0);
      } else {
        int zerosTo = Math.clamp(inside, first, last);
        int copiedTo = Math.clamp(outside, zerosTo, last);
        int start = picture + (pictureRow * width + left) * channels;
        Arrays.fill(y, at, at + zerosTo - first, 0);
        if (zerosTo < copiedTo) {
          System.arraycopy(x, start + zerosTo, y, at + zerosTo - first, copiedTo - zerosTo);
        }
        Arrays.fill(y, at + copiedTo - first, at + last - first, 0);
      }
      at += last - first;
      column = lineStart + last;
    }
  }
}
