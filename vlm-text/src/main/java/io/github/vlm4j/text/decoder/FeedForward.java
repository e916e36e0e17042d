package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/** What a layer does to each row after the attention. */
sealed interface FeedForward permits GatedMlp, MixtureOfExperts {

  /**
   * Adds it to a graph.
   *
   * @param x {@code [tokens, hidden]}, normed
   * @return {@code [tokens, hidden]}
   */
  Value apply(GraphBuilder g, Value x);
}
