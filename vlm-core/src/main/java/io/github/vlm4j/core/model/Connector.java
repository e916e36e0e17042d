package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/** Maps a vision encoder's hidden states to embeddings that a decoder reads among its tokens. */
public interface Connector {

  /** Returns how many hidden states become one embedding. */
  int reduction();

  /** Returns the length of an embedding: the decoder's hidden size. */
  int outputSize();

  /**
   * Adds the connector to a graph.
   *
   * @param g where to add it
   * @param features {@code [patches, hidden]}
   * @return {@code [patches / reduction, outputSize]}
   */
  Value connect(GraphBuilder g, Value features);
}
