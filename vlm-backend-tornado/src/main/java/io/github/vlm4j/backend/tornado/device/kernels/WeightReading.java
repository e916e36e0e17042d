package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Stored numbers as f32. Where a kernel reads weights, parameters say where they lie: the first
 * number; for 16-bit numbers the table of powers and the values of a mantissa; for bytes the
 * scales, the minima (or -1 if there are none) and how many numbers share one.
 */
final class WeightReading {

  private WeightReading() {}

  /**
   * Returns a number of 16 bits, f16 or bf16: its sign and exponent choose a power of two from a
   * table. Infinities are read as NaN.
   *
   * @param powers where the table begins, of one entry for each sign and exponent
   * @param mantissas how many values the mantissa has
   */
  static float half(ShortArray shorts, FloatArray floats, int at, int powers, int mantissas) {
    int bits = shorts.get(at);
    if (bits < 0) {
      bits = bits + 65536;
    }
    int upper = bits / mantissas;
    float fraction = (float) (bits % mantissas) / (float) mantissas;
    if (upper % (32768 / mantissas) != 0) {
      fraction = fraction + 1f;
    }
    return floats.get(powers + upper) * fraction;
  }
}
