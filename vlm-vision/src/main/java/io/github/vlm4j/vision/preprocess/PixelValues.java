package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;

/** A picture ready for a vision encoder: the reference's {@code pixel_values}. */
public final class PixelValues {

  private final float[] values;
  private final int channels;
  private final int height;
  private final int width;

  /**
   * Wraps values.
   *
   * @param values f32, `[channels, height, width]`, not copied
   * @param channels 3 for RGB
   * @param height rows
   * @param width columns
   * @throws InputException if a size is not positive or the array has another length
   */
  public PixelValues(float[] values, int channels, int height, int width) {
    if (Math.min(channels, Math.min(height, width)) < 1
        || values.length != (long) channels * height * width) {
      throw new InputException(
          "%d values cannot be %d channels of %d×%d pixels; pass channels × height × width values."
              .formatted(values.length, channels, height, width));
    }
    this.values = values;
    this.channels = channels;
    this.height = height;
    this.width = width;
  }

  /**
   * The values as the array itself, not a copy. Do not write to it.
   *
   * @return f32, `[channels, height, width]`
   */
  public float[] values() {
    return values;
  }

  /**
   * The number of channels.
   *
   * @return 3 for RGB
   */
  public int channels() {
    return channels;
  }

  /**
   * The number of rows.
   *
   * @return at least 1
   */
  public int height() {
    return height;
  }

  /**
   * The number of columns.
   *
   * @return at least 1
   */
  public int width() {
    return width;
  }

  /**
   * Cuts the picture into square patches, row by row. What does not fill a patch at the right and
   * at the bottom is left out, as a convolution without padding leaves it out.
   *
   * @param patchSize the side of a patch
   * @return f32, `[patches, channels · patchSize · patchSize]`, inside a patch channel, row, column
   * @throws InputException if the picture is smaller than a patch
   */
  public float[] patches(int patchSize) {
    int rows = height / patchSize;
    int columns = width / patchSize;
    if (rows < 1 || columns < 1) {
      throw new InputException(
          "A picture of %d×%d pixels has no patch of %d×%d; choose the model's size."
              .formatted(height, width, patchSize, patchSize));
    }
    float[] patches =
        new float[Math.multiplyExact(rows * columns, channels * patchSize * patchSize)];
    int at = 0;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        for (int c = 0; c < channels; c++) {
          for (int y = 0; y < patchSize; y++) {
            int from = (c * height + row * patchSize + y) * width + column * patchSize;
            System.arraycopy(values, from, patches, at, patchSize);
            at += patchSize;
          }
        }
      }
    }
    return patches;
  }

  /**
   * The same values with the channels of a pixel together, as convolutions read them here.
   *
   * @return f32, `[height, width, channels]`
   */
  public float[] channelsLast() {
    float[] last = new float[values.length];
    int pixels = height * width;
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < pixels; i++) {
        last[i * channels + c] = values[c * pixels + i];
      }
    }
    return last;
  }

  @Override
  public String toString() {
    return "%d×%d×%d pixel values".formatted(channels, height, width);
  }
}
