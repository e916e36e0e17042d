package io.github.vlm4j.core.quant;

/** Conversions to whole numbers that agree with C on x86-64, where ggml's files come from. */
final class Rounding {

  /** Added to a small number, leaves its nearest whole number in the lowest bits. */
  private static final float MAGIC = 0x1.8p23f;

  private Rounding() {}

  /** Rounds to the nearest whole number, ties to even, for magnitudes below 2²². */
  static int toNearest(float value) {
    return (Float.floatToRawIntBits(value + MAGIC) & 0x7fffff) - 0x400000;
  }

  /** Rounds to the nearest whole number, ties away from zero, and keeps eight bits. */
  static byte awayFromZero(float value) {
    float magnitude = Math.abs(value);
    float whole = (float) Math.floor(magnitude);
    return truncate(Math.copySign(magnitude - whole >= 0.5f ? whole + 1 : whole, value));
  }

  /** Drops the fraction and keeps eight bits; 0 for what no int holds. */
  static byte truncate(float value) {
    return Math.abs(value) < 0x1p31f ? (byte) (int) value : 0;
  }

  /** Returns a value no less than the least and no more than the most. */
  static int within(int least, int most, int value) {
    return Math.max(least, Math.min(most, value));
  }
}
