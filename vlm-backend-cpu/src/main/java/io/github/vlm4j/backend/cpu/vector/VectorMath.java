package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Transcendental functions of vectors. */
final class VectorMath {

  private static final VectorSpecies<Float> F = Lanes.F32;

  private static final float LOG2_E = 1.44269504088896341f;
  // ln 2 in two parts, the first with so few bits that its products with exponents are exact.
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  // Adding it rounds to an integer, which then stands in the lowest bits.
  private static final float ROUNDER = 0x1.8p23f;

  /** Powers of two below this are taken for zero, before they leave the normal numbers. */
  private static final float EXP2_MIN = -125;

  /** Where exp leaves the normal numbers. */
  private static final float EXP_MIN = -87.33654f;

  private static final float EXP_MAX = 88.72283f;

  private VectorMath() {}

  /**
   * Returns {@code eˣ} with an error of at most 2 ulp. Results below the normal numbers are zero;
   * infinities and NaN are as in {@link Math#exp}.
   *
   * <p>x = n·ln 2 + r with |r| ≤ ½·ln 2; {@code eʳ} is its Taylor polynomial of degree 7 (remainder
   * under 6e-9), and n is added to the exponent (Cody and Waite, "Software Manual for the
   * Elementary Functions", 1980).
   */
  static FloatVector exp(FloatVector x) {
    FloatVector result = expOfAtMostMax(x);
    return result.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_MAX));
  }

  /** {@link #exp} for x that do not overflow. */
  static FloatVector expOfAtMostMax(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(F, LOG2_E), FloatVector.broadcast(F, ROUNDER));
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(F, -LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(F, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(F, 1f / 5040);
    p = p.fma(r, FloatVector.broadcast(F, 1f / 720));
    p = p.fma(r, FloatVector.broadcast(F, 1f / 120));
    p = p.fma(r, FloatVector.broadcast(F, 1f / 24));
    p = p.fma(r, FloatVector.broadcast(F, 1f / 6));
    p = p.fma(r, FloatVector.broadcast(F, 0.5f));
    p = p.fma(r, FloatVector.broadcast(F, 1f));
    p = p.fma(r, FloatVector.broadcast(F, 1f));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return result.blend(0f, x.compare(VectorOperators.LT, EXP_MIN));
  }

  /**
   * Returns {@code 2ˣ} with an error of at most 2 ulp for x that do not overflow; below {@code
   * 2⁻¹²⁵} zero. NaN stays NaN.
   *
   * <p>x = n + r with |r| ≤ ½ needs no multiplication; {@code 2ʳ} is a polynomial of degree 6 that
   * is off by less than 2e-8 and exact for 0.
   */
  static FloatVector exp2OfAtMostMax(FloatVector x) {
    FloatVector shifted = x.add(ROUNDER);
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = x.sub(n);
    FloatVector p = FloatVector.broadcast(F, 1.53533620e-4f);
    p = p.fma(r, FloatVector.broadcast(F, 1.33988739e-3f));
    p = p.fma(r, FloatVector.broadcast(F, 9.61843692e-3f));
    p = p.fma(r, FloatVector.broadcast(F, 5.55033237e-2f));
    p = p.fma(r, FloatVector.broadcast(F, 0.240226477f));
    p = p.fma(r, FloatVector.broadcast(F, 0.693147182f));
    p = p.fma(r, FloatVector.broadcast(F, 1f));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return result.blend(0f, x.compare(VectorOperators.LT, EXP2_MIN));
  }

  /** Returns {@code 1 / (1 + e⁻ˣ)} with a relative error under 5e-7 where it is a normal number. */
  static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(F, 1f).div(exp(x.neg()).add(1f));
  }

  /** Returns {@code tanh x} with an absolute error under 3e-7. */
  static FloatVector tanh(FloatVector x) {
    FloatVector one = FloatVector.broadcast(F, 1f);
    return one.sub(FloatVector.broadcast(F, 2f).div(exp(x.add(x)).add(one)));
  }

  /**
   * Returns {@code erfc |x| = 1 - erf |x|} with an absolute error under 5e-7, of which the formula
   * has 1.5e-7: Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 7.1.26.
   */
  static FloatVector erfcOfAbs(FloatVector x) {
    FloatVector a = x.abs();
    FloatVector one = FloatVector.broadcast(F, 1f);
    FloatVector t = one.div(a.fma(FloatVector.broadcast(F, 0.3275911f), one));
    FloatVector p = FloatVector.broadcast(F, 1.061405429f);
    p = p.fma(t, FloatVector.broadcast(F, -1.453152027f));
    p = p.fma(t, FloatVector.broadcast(F, 1.421413741f));
    p = p.fma(t, FloatVector.broadcast(F, -0.284496736f));
    p = p.fma(t, FloatVector.broadcast(F, 0.254829592f));
    return p.mul(t).mul(expOfAtMostMax(a.mul(a).neg()));
  }

  /** Returns {@code erf x} with an absolute error under 5e-7. */
  static FloatVector erf(FloatVector x) {
    FloatVector positive = FloatVector.broadcast(F, 1f).sub(erfcOfAbs(x));
    VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
    return positive.blend(positive.neg(), negative);
  }
}
