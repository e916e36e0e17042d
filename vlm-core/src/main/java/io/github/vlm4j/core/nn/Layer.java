package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/** What maps each row of hidden states to another: a norm, a linear map, an MLP. */
@FunctionalInterface
public interface Layer {

  /**
   * Adds this layer to a graph.
   *
   * @param g where to add it
   * @param x {@code [.., in]}
   * @return {@code [.., out]}
   */
  Value apply(GraphBuilder g, Value x);
}
