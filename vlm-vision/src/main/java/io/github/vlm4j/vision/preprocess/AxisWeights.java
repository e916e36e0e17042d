package io.github.vlm4j.vision.preprocess;

import io.github.vlm4j.core.InputException;

/**
 * Which input positions make an output position along one axis, and with what weight, for a range
 * of the output positions.
 */
final class AxisWeights {

  private static final int PILLOW_BITS = 32 - 8 - 2;

  /** Only pictures of a few rows and millions of columns need more. */
  private static final int MAX_POSITIONS = 1 << 24;

  private static final int MAX_WEIGHTS = 1 << 24;

  /** The first input position of each output position of the range, and how many there are. */
  private final int[] starts;

  private final int[] counts;

  /** `[outputs of the range, taps]`. */
  private final double[] exact;

  private final int taps;

  /** The largest weight of all output positions, those outside the range included. */
  private final double largest;

  private AxisWeights(int[] starts, int[] counts, double[] exact, int taps, double largest) {
    this.starts = starts;
    this.counts = counts;
    this.exact = exact;
    this.taps = taps;
    this.largest = largest;
  }

  /**
   * Computes weights.
   *
   * @param inputs positions of the input
   * @param outputs positions of the whole output
   * @param from the first output position of the range
   * @param count how many the range has
   * @throws InputException if one of the sides is out of all proportion
   */
  static AxisWeights of(int inputs, int outputs, int from, int count, ResampleFilter filter) {
    double scale = (double) inputs / outputs;
    double stretch = Math.max(scale, 1);
    double support = filter.support() * stretch;
    if (outputs > MAX_POSITIONS || (2 * support + 3) * count > MAX_WEIGHTS) {
      throw new InputException(
          "A side of %d pixels cannot be resized to %d; crop the picture or scale it before."
              .formatted(inputs, outputs));
    }
    int taps = (int) Math.ceil(support) * 2 + 1;
    int[] starts = new int[count];
    int[] counts = new int[count];
    double[] exact = new double[count * taps];
    double[] weights = new double[taps];
    double largest = 0;
    for (int i = 0; i < outputs; i++) {
      double center = scale * (i + 0.5);
      int start = Math.max((int) (center - support + 0.5), 0);
      int used = Math.min((int) (center + support + 0.5), inputs) - start;
      double sum = 0;
      for (int j = 0; j < used; j++) {
        // Multiplied by the inverse, as both references do it, for the same last digit.
        weights[j] = filter.weight((j + start - center + 0.5) * (1 / stretch));
        sum += weights[j];
      }
      for (int j = 0; j < used && sum != 0; j++) {
        weights[j] /= sum;
        largest = Math.max(largest, weights[j]);
      }
      if (i >= from && i < from + count) {
        starts[i - from] = start;
        counts[i - from] = used;
        System.arraycopy(weights, 0, exact, (i - from) * taps, used);
      }
    }
    return new AxisWeights(starts, counts, exact, taps, largest);
  }

  /** The number of output positions in the range. */
  int outputs() {
    return starts.length;
  }

  int start(int output) {
    return starts[output];
  }

  int count(int output) {
    return counts[output];
  }

  double weight(int output, int tap) {
    return exact[output * taps + tap];
  }

  /** The first input position that an output position of the range needs. */
  int firstInput() {
    return starts[0];
  }

  /** The input position after the last one that is needed. */
  int endInput() {
    return starts[starts.length - 1] + counts[counts.length - 1];
  }

  /** The number of fractional bits that a reference gives its weights. */
  int fractionBits(Resampler.Arithmetic arithmetic) {
    int bits = 0;
    while (bits < PILLOW_BITS
        && (arithmetic == Resampler.Arithmetic.PILLOW
            || (int) (0.5 + largest * (1 << (bits + 1))) < 1 << 15)) {
      bits++;
    }
    return bits;
  }

  /** The weights in fixed point, `[outputs of the range, taps()]`. */
  int[] fixed(int fractionBits) {
    int[] values = new int[exact.length];
    for (int i = 0; i < values.length; i++) {
      double scaled = exact[i] * (1 << fractionBits);
      values[i] = (int) (scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    return values;
  }

  int taps() {
    return taps;
  }
}
