package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.tensor.Tensor;

/** The angles by which a decoder turns queries and keys (Su et al., RoFormer, 2021). */
public interface RotaryEmbedding {

  /** Returns the number of angles of a token: half of the dimensions that turn. */
  int angles();

  /**
   * Writes the tables of some tokens, for keys and, unless {@link #scalesQueries}, for queries.
   *
   * @param positions of the whole sequence
   * @param first the first token's index in the sequence
   * @param count the number of tokens
   * @param cos f32 {@code [count, angles]}
   * @param sin f32 {@code [count, angles]}
   */
  void fill(TokenPositions positions, int first, int count, Tensor cos, Tensor sin);

  /**
   * Returns whether a token in the same position turns the same way in two sequences; not where the
   * angles go by the length of the prompt and the lengths are far apart.
   */
  default boolean sameTurns(TokenPositions a, TokenPositions b) {
    return true;
  }

  /** Returns whether queries have tables of their own, as with log-n attention (Su, 2021). */
  default boolean scalesQueries() {
    return false;
  }

  /** Writes the tables of queries; see {@link #fill}. */
  default void fillQueries(TokenPositions positions, int first, int count, Tensor cos, Tensor sin) {
    fill(positions, first, count, cos, sin);
  }
}
