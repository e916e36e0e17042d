package io.github.vlm4j.backend.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Rotary position embedding of one row (Su et al., "RoFormer", 2021). */
final class VectorRope {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  private VectorRope() {}

  /** Rotates dimension i with {@code i + r}. */
  static void halves(
      float[] x,
      int xAt,
      float[] cos,
      int cosAt,
      float[] sin,
      int sinAt,
      int r,
      float[] y,
      int yAt,
      int heads,
      int headDim) {
    for (int head = 0; head < heads; head++) {
      int from = xAt + head * headDim;
      int to = yAt + head * headDim;
      int i = 0;
      for (; i <= r - L; i += L) {
        FloatVector a = FloatVector.fromArray(F, x, from + i);
        FloatVector b = FloatVector.fromArray(F, x, from + r + i);
        FloatVector c = FloatVector.fromArray(F, cos, cosAt + i);
        FloatVector s = FloatVector.fromArray(F, sin, sinAt + i);
        a.mul(c).sub(b.mul(s)).intoArray(y, to + i);
        b.mul(c).add(a.mul(s)).intoArray(y, to + r + i);
      }
      for (; i < r; i++) {
        float a = x[from + i];
        float b = x[from + r + i];
        y[to + i] = a * cos[cosAt + i] - b * sin[sinAt + i];
        y[to + r + i] = b * cos[cosAt + i] + a * sin[sinAt + i];
      }
      System.arraycopy(x, from + 2 * r, y, to + 2 * r, headDim - 2 * r);
    }
  }

  /**
   * Rotates dimension 2i with {@code 2i + 1}. Scalar: no model on the hot path pairs this way, and
   * shuffles would cost what the vectors gain.
   */
  static void interleaved(
      float[] x,
      int xAt,
      float[] cos,
      int cosAt,
      float[] sin,
      int sinAt,
      int r,
      float[] y,
      int yAt,
      int heads,
      int headDim) {
    for (int head = 0; head < heads; head++) {
      int from = xAt + head * headDim;
      int to = yAt + head * headDim;
      for (int i = 0; i < r; i++) {
        float a = x[from + 2 * i];
        float b = x[from + 2 * i + 1];
        y[to + 2 * i] = a * cos[cosAt + i] - b * sin[sinAt + i];
        y[to + 2 * i + 1] = b * cos[cosAt + i] + a * sin[sinAt + i];
      }
      System.arraycopy(x, from + 2 * r, y, to + 2 * r, headDim - 2 * r);
    }
  }
}
