package io.github.vlm4j.search;

import io.github.vlm4j.core.ModelException;
import org.jspecify.annotations.Nullable;

/** Brings embeddings to length 1, so that their dot product is the cosine. */
final class UnitVector {

  private UnitVector() {}

  /**
   * Returns a vector of length 1 of the same direction; null if it has none, being zero or not
   * finite.
   *
   * @throws ModelException if the model's vectors should have another dimension
   */
  static float @Nullable [] of(float[] vector, ModelIdentity model) {
    if (vector.length != model.dimension()) {
      throw new ModelException(
          "The model "
              + model.source()
              + " made a vector of "
              + vector.length
              + " numbers, expected "
              + model.dimension()
              + ".");
    }
    double sum = 0;
    for (float value : vector) {
      sum += (double) value * value;
    }
    double length = Math.sqrt(sum);
    if (!(length > 0) || !Double.isFinite(length)) {
      return null;
    }
    float[] unit = new float[vector.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = (float) (vector[i] / length);
    }
    return unit;
  }
}
