package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Numbers that operations by element need. They lie in memory, each as often as the widest vector
 * has lanes, since there are more of them than registers.
 */
enum ElementConstant {
  ZERO(0),
  ONE(1),
  HALF(0.5f),
  /** All bits but the sign. */
  SIZE(Float.intBitsToFloat(Integer.MAX_VALUE)),
  LOG2_E(1.44269504088896341f),
  MINUS_LN2_HIGH(-0.693359375f),
  MINUS_LN2_LOW(2.12194440e-4f),
  /** Adding it rounds to an integer, which then stands in the lowest bits. */
  ROUNDER(0x1.8p23f),
  LEAST_EXPONENT(-87.33654f),
  MINUS_GREATEST_EXPONENT(-88.72283f),
  EXP_7(1f / 5040),
  EXP_6(1f / 720),
  EXP_5(1f / 120),
  EXP_4(1f / 24),
  EXP_3(1f / 6),
  SQRT_HALF(0.70710678118654752f),
  ERFC_P(0.3275911f),
  ERFC_5(1.061405429f),
  ERFC_4(-1.453152027f),
  ERFC_3(1.421413741f),
  ERFC_2(-0.284496736f),
  ERFC_1(0.254829592f),
  GELU_CUBE(0.044715f),
  TWO_SQRT_2_OVER_PI(1.59576912160573071f),
  QUICK(1.702f);

  /** Holds the address of all. */
  static final Gpr TABLE = Gpr.R10;

  /** The bytes of the widest vector. */
  private static final int LINE = 64;

  private final float value;

  ElementConstant(float value) {
    this.value = value;
  }

  /** Returns the memory that all lie in, and behind them {@link #oneF64}. */
  static MemorySegment table(Arena arena) {
    int numbers = values().length;
    MemorySegment all = arena.allocate((long) LINE * (numbers + 1), LINE);
    for (ElementConstant constant : values()) {
      for (int at = 0; at < LINE; at += Float.BYTES) {
        all.set(ValueLayout.JAVA_FLOAT, (long) LINE * constant.ordinal() + at, constant.value);
      }
    }
    all.set(ValueLayout.JAVA_DOUBLE, (long) LINE * numbers, 1);
    return all;
  }

  /** Returns the memory of a vector of this. */
  Mem vector() {
    return TABLE.at(LINE * ordinal());
  }

  /** Returns the memory of 1 as f64. */
  static Mem oneF64() {
    return TABLE.at(LINE * values().length);
  }
}
