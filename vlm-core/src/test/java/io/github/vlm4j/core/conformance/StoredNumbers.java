package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;

/** What numbers become when they are stored in a type, as {@code Op.Append} defines it. */
final class StoredNumbers {

  private static final int BLOCK = 32;

  private StoredNumbers() {}

  /** Returns a row of f32 numbers rounded to a type. */
  static double[] rounded(DType dtype, double[] row) {
    return switch (dtype) {
      case F32 -> row;
      case F16 ->
          Arrays.stream(row)
              .map(x -> Float.float16ToFloat(Float.floatToFloat16((float) x)))
              .toArray();
      case BF16 -> Arrays.stream(row).map(x -> bf16((float) x)).toArray();
      case Q8_0 -> blocks(row);
      default -> throw new IllegalArgumentException("States are not stored in " + dtype);
    };
  }

  private static float bf16(float x) {
    int bits = Float.floatToRawIntBits(x);
    float below = Float.intBitsToFloat(bits & 0xffff0000);
    float above = Float.intBitsToFloat((bits & 0xffff0000) + 0x10000);
    double down = Math.abs((double) x - below);
    double up = Math.abs((double) above - x);
    boolean even = (bits & 0x10000) == 0;
    return down < up || down == up && even ? below : above;
  }

  /** 32 signed bytes each, in units of an f16 that makes the greatest magnitude 127. */
  private static double[] blocks(double[] row) {
    double[] result = new double[row.length];
    for (int from = 0; from < row.length; from += BLOCK) {
      float greatest = 0;
      for (int i = from; i < from + BLOCK; i++) {
        greatest = Math.max(greatest, Math.abs((float) row[i]));
      }
      float unit = greatest / 127;
      float inverse = unit == 0 ? 0 : 1 / unit;
      float stored = Float.float16ToFloat(Float.floatToFloat16(unit));
      for (int i = from; i < from + BLOCK; i++) {
        double units = (float) row[i] * inverse;
        result[i] = stored * Math.copySign(Math.floor(Math.abs(units) + 0.5), units);
      }
    }
    return result;
  }
}
