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
      float mean = VectorElements.sum(x, from, n) / n;
      subtract(x, from, mean, y, to, n);
      // Of distances: the difference of two large sums would lose the variance of offset rows.
      float variance = VectorElements.dot(y, to, y, to, n) / n;
      float factor = (float) (1 / Math.sqrt(variance + (double) eps));
      int i = 0;
      for (; i <= n - L; i += L) {
        FloatVector.fromArray(F, y, to + i)
            .mul(factor)
            .fma(FloatVector.fromArray(F, weight, i), FloatVector.fromArray(F, bias, i))
            .intoArray(y, to + i);
      }
      for (; i < n; i++) {
        y[to + i] = Math.fma(y[to + i] * factor, weight[i], bias[i]);
      }
    }
  }

  private static void subtract(float[] x, int xAt, float mean, float[] y, int yAt, int n) {
    int i = 0;
    for (; i <= n - L; i += L) {
      FloatVector.fromArray(F, x, xAt + i).sub(mean).intoArray(y, yAt + i);
    }
    for (; i < n; i++) {
      y[yAt + i] = x[xAt + i] - mean;
    }
  }
}
