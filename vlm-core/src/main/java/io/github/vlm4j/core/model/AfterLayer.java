package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.Value;

/** Changes a decoder's hidden state between layers: how DeepStack features enter. */
@FunctionalInterface
public interface AfterLayer {

  /** Leaves every hidden state as it is. */
  AfterLayer NOTHING = (layer, hidden) -> hidden;

  /**
   * Returns what the next layer reads.
   *
   * @param layer the number of the layer just passed, from 0
   * @param hidden its output, {@code [tokens, hidden]}
   */
  Value apply(int layer, Value hidden);
}
