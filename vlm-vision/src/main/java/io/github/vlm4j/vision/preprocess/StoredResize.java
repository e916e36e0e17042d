package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Image;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Resizes and cuts a picture in the mode it was stored in and converts it to RGB after that, as
 * Pillow's {@code Image.resize}, {@code crop} and {@code convert("RGB")} do one after the other:
 * palette colours by the nearest neighbour, transparent ones premultiplied, ink as ink, deep grey
 * unclipped.
 *
 * @param width columns of the whole result
 * @param height rows of the whole result
 * @param window the part of it to keep
 * @param filter the kernel
 */
record StoredResize(int width, int height, CropWindow window, ResampleFilter filter) {

  private static final int RGB = 3;
  private static final int RGBA = 4;
  private static final int MAX_PIXELS = (Integer.MAX_VALUE - 8) / RGBA;

  /** Pillow resizes the rows first if a picture has this many times more rows than columns. */
  private static final int TALL = 100;

  /**
   * Resizes.
   *
   * @return RGB, `[window.height, window.width, 3]`
   */
  byte[] apply(Image image) {
    if ((long) window.width() * window.height() > MAX_PIXELS) {
      throw new InputException(
          "%s becomes %d×%d pixels, too many to hold; crop it first."
              .formatted(image, width, height));
    }
    if (image.width() == width && image.height() == height) {
      return cut(image);
    }
    return switch (image.storedMode()) {
      case RGB -> filtered(image, (y, to, at) -> image.copyRows(y, 1, to, at), RGB);
      case PALETTE -> nearest(image);
      case ALPHA -> withoutAlpha(filtered(image, premultiplied(image), RGBA));
      case CMYK -> image.storedMode().toRgb(filtered(image, ink(image), RGBA));
      case GREY_16, GREY_32, GREY_FLOAT ->
          image.storedMode().toRgb(new DeepGreyResize(image, this).samples());
    };
  }

  /**
   * Converts to RGB first and resizes then, as {@code convert("RGB").resize} does.
   *
   * @return RGB, `[window.height, window.width, 3]`
   */
  byte[] ofRgb(Image image) {
    return image.width() == width && image.height() == height
        ? cut(image)
        : filtered(image, (y, to, at) -> image.copyRows(y, 1, to, at), RGB);
  }

  private byte[] cut(Image image) {
    byte[] row = new byte[RGB * image.width()];
    byte[] cut = new byte[RGB * window.width() * window.height()];
    for (int y = 0; y < window.height(); y++) {
      image.copyRows(window.top() + y, 1, row, 0);
      System.arraycopy(
          row, RGB * window.left(), cut, y * RGB * window.width(), RGB * window.width());
    }
    return cut;
  }

  private byte[] filtered(Image image, Resampler.Rows source, int channels) {
    if (rowsFirst(image)) {
      CropWindow all = CropWindow.whole(image.width(), height);
      byte[] lowered =
          resampler(image.width(), image.height(), image.width(), all).resize(source, channels);
      int stride = channels * image.width();
      return resampler(image.width(), height, width, window)
          .resize((y, to, at) -> System.arraycopy(lowered, y * stride, to, at, stride), channels);
    }
    return resampler(image.width(), image.height(), width, window).resize(source, channels);
  }

  boolean rowsFirst(Image image) {
    return image.height() > (long) TALL * image.width() && height < image.height();
  }

  private Resampler resampler(int fromWidth, int fromHeight, int toWidth, CropWindow part) {
    return new Resampler(
        fromWidth, fromHeight, toWidth, height, part, filter, Resampler.Arithmetic.PILLOW);
  }

  private byte[] nearest(Image image) {
    int[] columns = nearestPositions(image.width(), width, window.left(), window.width());
    int[] rows = nearestPositions(image.height(), height, window.top(), window.height());
    byte[] row = new byte[RGB * image.width()];
    byte[] result = new byte[RGB * rows.length * columns.length];
    int at = 0;
    for (int y : rows) {
      image.copyRows(y, 1, row, 0);
      for (int x : columns) {
        result[at++] = row[RGB * x];
        result[at++] = row[RGB * x + 1];
        result[at++] = row[RGB * x + 2];
      }
    }
    return result;
  }

  /** Positions are summed up step by step, as Pillow does it, for the same rounding errors. */
  private static int[] nearestPositions(int inputs, int outputs, int from, int count) {
    double step = (double) inputs / outputs;
    double position = step * 0.5;
    int[] positions = new int[count];
    for (int i = 0; i < from + count; i++) {
      if (i >= from) {
        positions[i - from] = Math.min((int) position, inputs - 1);
      }
      position += step;
    }
    return positions;
  }

  private static Resampler.Rows premultiplied(Image image) {
    MemorySegment alphas = image.storedSamples();
    int width = image.width();
    byte[] row = new byte[RGB * width];
    byte[] alpha = new byte[width];
    return (y, to, at) -> {
      image.copyRows(y, 1, row, 0);
      copy(alphas, (long) y * width, alpha, 0, width);
      for (int x = 0; x < width; x++, at += RGBA) {
        int opacity = alpha[x] & 0xff;
        for (int c = 0; c < RGB; c++) {
          int biased = (row[RGB * x + c] & 0xff) * opacity + 128;
          to[at + c] = (byte) (((biased >> 8) + biased) >> 8);
        }
        to[at + RGB] = alpha[x];
      }
    };
  }

  private static byte[] withoutAlpha(byte[] premultiplied) {
    byte[] rgb = new byte[premultiplied.length / RGBA * RGB];
    for (int from = 0, at = 0; from < premultiplied.length; from += RGBA, at += RGB) {
      int alpha = premultiplied[from + RGB] & 0xff;
      for (int c = 0; c < RGB; c++) {
        int level = premultiplied[from + c] & 0xff;
        rgb[at + c] = (byte) (alpha == 0 ? level : Math.min(255 * level / alpha, 255));
      }
    }
    return rgb;
  }

  private static Resampler.Rows ink(Image image) {
    MemorySegment samples = image.storedSamples();
    int stride = RGBA * image.width();
    return (y, to, at) -> copy(samples, (long) y * stride, to, at, stride);
  }

  private static void copy(MemorySegment from, long offset, byte[] to, int at, int count) {
    MemorySegment.copy(from, ValueLayout.JAVA_BYTE, offset, to, at, count);
  }
}
