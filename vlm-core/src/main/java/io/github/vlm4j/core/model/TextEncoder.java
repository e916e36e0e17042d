package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/** Turns tokens into a sequence of hidden states, by adding its layers to a graph. */
public interface TextEncoder {

  /** Returns the length of a hidden state. */
  int hiddenSize();

  /**
   * Adds the encoder to a graph.
   *
   * @param g where to add it
   * @param ids i32 {@code [tokens]}
   * @return the last hidden state, {@code [tokens, hidden]}
   */
  Value encode(GraphBuilder g, Value ids);
}
