package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.Value;
import java.util.List;

/**
 * What a vision encoder computes. Everything is described; only what a graph's outputs need is ever
 * computed.
 *
 * @param hiddenStates {@code [patches, hidden]} each: the embeddings, then the output of every
 *     layer
 * @param attentions {@code [heads, patches, patches]} each: every layer's attention weights
 * @param lastHiddenState {@code [patches, hidden]}, as the reference implementation names it
 */
public record VisionFeatures(
    List<Value> hiddenStates, List<Value> attentions, Value lastHiddenState) {

  /** Keeps immutable copies. */
  public VisionFeatures {
    hiddenStates = List.copyOf(hiddenStates);
    attentions = List.copyOf(attentions);
  }
}
