package io.github.vlm4j.models;

/** Vectors of length 1, whose products are cosines. */
final class UnitLength {

  private UnitLength() {}

  /** Scales a vector in place; one of length 0 stays as it is. */
  static void scale(float[] vector) {
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    float factor = sum == 0 ? 0 : (float) (1 / Math.sqrt(sum));
    for (int i = 0; i < vector.length; i++) {
      vector[i] *= factor;
    }
  }
}
