package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/** Turns texts into hidden states and one embedding each, by adding its layers to a graph. */
public interface TextEncoder {

  /** Returns the length of a hidden state. */
  int hiddenSize();

  /** Returns the most tokens a text can have. */
  int contextLength();

  /** Returns the number of tokens there are. */
  int vocabularySize();

  /**
   * Returns which token of a text stands for the whole of it.
   *
   * @param ids the text's tokens, padded to {@link #contextLength}
   * @return an index into them
   */
  int pooledToken(int[] ids);

  /**
   * Returns whether tokens see those after them. Where they do not, what comes after the pooled
   * token need not be computed.
   */
  boolean seesAhead();

  /**
   * Adds the encoder to a graph.
   *
   * @param g where to add it
   * @param ids i32 {@code [texts · tokens]}, the texts one after the other, equally long
   * @param texts how many there are
   * @param pooled i32 {@code [texts]}: the row of each text's pooled token, counted over all
   */
  TextFeatures encode(GraphBuilder g, Value ids, int texts, Value pooled);
}
