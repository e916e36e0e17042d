package io.github.vlm4j.search;

import io.github.vlm4j.core.InputException;

/**
 * Which model made the vectors of an index. Vectors of different models cannot be compared, so an
 * index takes those of one model only.
 *
 * @param fingerprint tells models apart whatever their files are called, such as a digest of their
 *     weights; equal for two models that give the same vectors
 * @param dimension the length of a vector, 1 to {@link #MAX_DIMENSION}
 * @param source where a person finds the model, such as its path; only shown and remembered, and
 *     not part of {@link #isSame}
 */
public record ModelIdentity(String fingerprint, int dimension, String source) {

  /** The longest vectors that an index takes. */
  public static final int MAX_DIMENSION = 16_384;

  /**
   * Checks the parts.
   *
   * @throws InputException if the fingerprint is blank or the dimension is out of range
   */
  public ModelIdentity {
    if (fingerprint.isBlank()) {
      throw new InputException(
          "The model " + source + " has no fingerprint to tell it from others; give it one.");
    }
    if (dimension < 1 || dimension > MAX_DIMENSION) {
      throw new InputException(
          "The model "
              + source
              + " makes vectors of "
              + dimension
              + " numbers; an index takes 1 to "
              + MAX_DIMENSION
              + ".");
    }
  }

  /** Returns whether vectors of the other model can be compared with those of this one. */
  public boolean isSame(ModelIdentity other) {
    return fingerprint.equals(other.fingerprint) && dimension == other.dimension;
  }
}
