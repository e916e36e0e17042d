package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.StoredMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.IntFunction;

/**
 * Resizes grey of more than 8 bits in f64, with the result of each pass rounded to what the mode
 * holds (Pillow's `src/libImaging/Resample.c`).
 */
final class DeepGreyResize {

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Image image;
  private final StoredMode mode;
  private final StoredResize resize;

  DeepGreyResize(Image image, StoredResize resize) {
    this.image = image;
    this.mode = image.storedMode();
    this.resize = resize;
  }

  /** Returns samples of the same mode, `[window.height, window.width, 4]`. */
  byte[] samples() {
    CropWindow window = resize.window();
    IntFunction<double[]> rows =
        resize.rowsFirst(image)
            ? narrowed(lowered(this::storedRow))
            : lowered(remembered(narrowed(this::storedRow)));
    ByteBuffer result =
        ByteBuffer.allocate(4 * window.width() * window.height()).order(ByteOrder.LITTLE_ENDIAN);
    for (int y = 0; y < window.height(); y++) {
      for (double value : rows.apply(y)) {
        if (mode == StoredMode.GREY_FLOAT) {
          result.putFloat((float) value);
        } else {
          result.putInt((int) value);
        }
      }
    }
    return result.array();
  }

  private double[] storedRow(int y) {
    MemorySegment samples = image.storedSamples();
    double[] row = new double[image.width()];
    for (int x = 0; x < row.length; x++) {
      long at = 4 * ((long) y * row.length + x);
      row[x] = mode == StoredMode.GREY_FLOAT ? samples.get(FLOAT, at) : samples.get(INT, at);
    }
    return row;
  }

  /** Rows with the window's columns alone. */
  private IntFunction<double[]> narrowed(IntFunction<double[]> rows) {
    CropWindow window = resize.window();
    if (image.width() == resize.width()) {
      return y -> Arrays.copyOfRange(rows.apply(y), window.left(), window.left() + window.width());
    }
    AxisWeights weights =
        AxisWeights.of(
            image.width(), resize.width(), window.left(), window.width(), resize.filter());
    return y -> {
      double[] row = rows.apply(y);
      double[] result = new double[weights.outputs()];
      for (int i = 0; i < result.length; i++) {
        double sum = 0;
        for (int j = 0; j < weights.count(i); j++) {
          sum += row[weights.start(i) + j] * weights.weight(i, j);
        }
        result[i] = rounded(sum);
      }
      return result;
    };
  }

  /** The window's rows. */
  private IntFunction<double[]> lowered(IntFunction<double[]> rows) {
    CropWindow window = resize.window();
    if (image.height() == resize.height()) {
      return y -> rows.apply(window.top() + y);
    }
    AxisWeights weights =
        AxisWeights.of(
            image.height(), resize.height(), window.top(), window.height(), resize.filter());
    return y -> {
      double[] sums = new double[0];
      for (int j = 0; j < weights.count(y); j++) {
        double[] row = rows.apply(weights.start(y) + j);
        sums = j == 0 ? new double[row.length] : sums;
        for (int x = 0; x < sums.length; x++) {
          sums[x] += row[x] * weights.weight(y, j);
        }
      }
      for (int x = 0; x < sums.length; x++) {
        sums[x] = rounded(sums[x]);
      }
      return sums;
    };
  }

  private IntFunction<double[]> remembered(IntFunction<double[]> rows) {
    double[][] known = new double[image.height()][];
    return y -> {
      if (known[y] == null) {
        known[y] = rows.apply(y);
      }
      return known[y];
    };
  }

  private double rounded(double sum) {
    if (mode == StoredMode.GREY_FLOAT) {
      return (float) sum;
    }
    int nearest = (int) (sum >= 0 ? sum + 0.5 : sum - 0.5);
    if (mode == StoredMode.GREY_32) {
      return nearest;
    }
    // Pillow clips the two bytes of 16-bit grey one by one.
    return (Math.clamp(nearest >> 8, 0, 255) << 8) | Math.max(nearest % 256, 0);
  }
}
