package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Operations on runs of values that need nothing but the values at the same place. */
final class VectorElements {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  private VectorElements() {}

  static void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    int whole = n - n % L;
    for (int i = 0; i < whole; i += L) {
      FloatVector.fromArray(F, a, aAt + i)
          .add(FloatVector.fromArray(F, b, bAt + i))
          .intoArray(y, yAt + i);
    }
    for (int i = whole; i < n; i++) {
      y[yAt + i] = a[aAt + i] + b[bAt + i];
    }
  }

  static void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n) {
    int whole = n - n % L;
    for (int i = 0; i < whole; i += L) {
      FloatVector.fromArray(F, a, aAt + i)
          .mul(FloatVector.fromArray(F, b, bAt + i))
          .intoArray(y, yAt + i);
    }
    for (int i = whole; i < n; i++) {
      y[yAt + i] = a[aAt + i] * b[bAt + i];
    }
  }

  /** {@code y += scale · x}. */
  static void addScaled(float scale, float[] x, int xAt, float[] y, int yAt, int n) {
    int whole = n - n % L;
    FloatVector factor = FloatVector.broadcast(F, scale);
    for (int i = 0; i < whole; i += L) {
      factor
          .fma(FloatVector.fromArray(F, x, xAt + i), FloatVector.fromArray(F, y, yAt + i))
          .intoArray(y, yAt + i);
    }
    for (int i = whole; i < n; i++) {
      y[yAt + i] = Math.fma(scale, x[xAt + i], y[yAt + i]);
    }
  }

  static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      s0 = FloatVector.fromArray(F, a, aAt + i).fma(FloatVector.fromArray(F, b, bAt + i), s0);
      s1 =
          FloatVector.fromArray(F, a, aAt + i + L)
              .fma(FloatVector.fromArray(F, b, bAt + i + L), s1);
      s2 =
          FloatVector.fromArray(F, a, aAt + i + 2 * L)
              .fma(FloatVector.fromArray(F, b, bAt + i + 2 * L), s2);
      s3 =
          FloatVector.fromArray(F, a, aAt + i + 3 * L)
              .fma(FloatVector.fromArray(F, b, bAt + i + 3 * L), s3);
    }
    for (; i <= n - L; i += L) {
      s0 = FloatVector.fromArray(F, a, aAt + i).fma(FloatVector.fromArray(F, b, bAt + i), s0);
    }
    FloatVector lanes = s0.add(s1).add(s2.add(s3));
    // Lanes.sum, written out as callers are hotter than this.
    lanes = L > 8 ? lanes.add(lanes.rearrange(Lanes.EIGHT_APART)) : lanes;
    lanes = L > 4 ? lanes.add(lanes.rearrange(Lanes.FOUR_APART)) : lanes;
    lanes = lanes.add(lanes.rearrange(Lanes.TWO_APART));
    float sum = lanes.add(lanes.rearrange(Lanes.ONE_APART)).lane(0);
    for (; i < n; i++) {
      sum = Math.fma(a[aAt + i], b[bAt + i], sum);
    }
    return sum;
  }

  static float sum(float[] x, int at, int n) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    int i = 0;
    for (; i <= n - 2 * L; i += 2 * L) {
      s0 = s0.add(FloatVector.fromArray(F, x, at + i));
      s1 = s1.add(FloatVector.fromArray(F, x, at + i + L));
    }
    if (i <= n - L) {
      s0 = s0.add(FloatVector.fromArray(F, x, at + i));
      i += L;
    }
    FloatVector lanes = s0.add(s1);
    // Lanes.sum, written out as callers are hotter than this.
    lanes = L > 8 ? lanes.add(lanes.rearrange(Lanes.EIGHT_APART)) : lanes;
    lanes = L > 4 ? lanes.add(lanes.rearrange(Lanes.FOUR_APART)) : lanes;
    lanes = lanes.add(lanes.rearrange(Lanes.TWO_APART));
    float sum = lanes.add(lanes.rearrange(Lanes.ONE_APART)).lane(0);
    for (; i < n; i++) {
      sum += x[at + i];
    }
    return sum;
  }

  /** Replaces n values by their softmax; none is left for n = 0. */
  static void softmax(float[] x, int xAt, int n) {
    float max = max(x, xAt, n);
    // All values -∞: subtracting that would make NaN of them.
    float sum = expInPlace(x, xAt, n, max == Float.NEGATIVE_INFINITY ? 0 : max);
    scale(x, xAt, n, 1 / sum);
  }

  static float max(float[] x, int xAt, int n) {
    FloatVector max = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= n - L; i += L) {
      max = max.max(FloatVector.fromArray(F, x, xAt + i));
    }
    float result = max.reduceLanes(VectorOperators.MAX);
    for (; i < n; i++) {
      result = Math.max(result, x[xAt + i]);
    }
    return result;
  }

  /**
   * Replaces values by {@code e} to the power of their distance to the maximum; returns their sum.
   */
  static float expInPlace(float[] x, int xAt, int n, float max) {
    int i = 0;
    for (; i <= n - L; i += L) {
      VectorMath.expOfAtMostMax(FloatVector.fromArray(F, x, xAt + i).sub(max))
          .intoArray(x, xAt + i);
    }
    // Not by a masked vector: in a loop this short C2 boxes the mask, and a run must not allocate.
    for (; i < n; i++) {
      x[xAt + i] = (float) Math.exp(x[xAt + i] - max);
    }
    return sum(x, xAt, n);
  }

  static void scale(float[] x, int xAt, int n, float factor) {
    int whole = n - n % L;
    for (int i = 0; i < whole; i += L) {
      FloatVector.fromArray(F, x, xAt + i).mul(factor).intoArray(x, xAt + i);
    }
    for (int i = whole; i < n; i++) {
      x[xAt + i] *= factor;
    }
  }
}
