package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Normalisations of rows. */
final class VectorNorms {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  private VectorNorms() {}

  static void rms(
      float[] x, int xAt, float[] weight, float eps, float[] y, int yAt, int rows, int n) {
    for (int row = 0; row < rows; row++) {
      int from = xAt + row * n;
      int to = yAt + row * n;
      float meanSquare = VectorElements.dot(x, from, x, from, n) / n;
      float factor = (float) (1 / Math.sqrt(meanSquare + (double) eps));
      int i = 0;
      for (; i <= n - L; i += L) {
        FloatVector.fromArray(F, x, from + i)
            .mul(factor)
            .mul(FloatVector.fromArray(F, weight, i))
            .intoArray(y, to + i);
      }
      for (; i < n; i++) {
        y[to + i] = x[from + i] * factor * weight[i];
      }
    }
  }

  static void layer(
      float[] x,
      int xAt,
      float[] weight,
      float[] bias,
      float eps,
      float[] y,
      int yAt,
      int rows,
      int n) {
    for (int row = 0; row < rows; row++) {
      int from = xAt + row * n;
      int to = yAt + row * n;
      float mean = sum(x, from, n) / n;
      float variance = squaredDistances(x, from, n, mean) / n;
      float factor = (float) (1 / Math.sqrt(variance + (double) eps));
      int i = 0;
      for (; i <= n - L; i += L) {
        FloatVector.fromArray(F, x, from + i)
            .sub(mean)
            .mul(factor)
            .fma(FloatVector.fromArray(F, weight, i), FloatVector.fromArray(F, bias, i))
            .intoArray(y, to + i);
      }
      for (; i < n; i++) {
        y[to + i] = Math.fma((x[from + i] - mean) * factor, weight[i], bias[i]);
      }
    }
  }

  private static float sum(float[] x, int at, int n) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    int i = 0;
    for (; i <= n - 2 * L; i += 2 * L) {
      s0 = s0.add(FloatVector.fromArray(F, x, at + i));
      s1 = s1.add(FloatVector.fromArray(F, x, at + i + L));
    }
    float sum = Lanes.sum(s0.add(s1));
    for (; i < n; i++) {
      sum += x[at + i];
    }
    return sum;
  }

  // Two passes: the difference of two large sums would lose the variance of offset rows.
  private static float squaredDistances(float[] x, int at, int n, float mean) {
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    int i = 0;
    for (; i <= n - 2 * L; i += 2 * L) {
      FloatVector d0 = FloatVector.fromArray(F, x, at + i).sub(mean);
      FloatVector d1 = FloatVector.fromArray(F, x, at + i + L).sub(mean);
      s0 = d0.fma(d0, s0);
      s1 = d1.fma(d1, s1);
    }
    float sum = Lanes.sum(s0.add(s1));
    for (; i < n; i++) {
      float d = x[at + i] - mean;
      sum = Math.fma(d, d, sum);
    }
    return sum;
  }
}
