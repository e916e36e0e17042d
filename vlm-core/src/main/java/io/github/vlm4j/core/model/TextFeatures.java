package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.Value;
import java.util.List;
import java.util.Optional;

/**
 * What a text encoder computes. Everything is described; only what a graph's outputs need is ever
 * computed. The texts of a batch follow one another.
 *
 * @param hiddenStates {@code [texts · tokens, hidden]} each: the embeddings, then the output of
 *     every layer
 * @param attentions {@code [heads, texts · tokens, texts · tokens]} each: every layer's attention
 *     weights
 * @param lastHiddenState {@code [texts · tokens, hidden]}, after the final norm
 * @param pooled {@code [texts, hidden]}: one row for each text
 * @param projected {@code [texts, dimension]}: the embeddings that are compared with those of
 *     pictures, not normalised, if the encoder has them
 */
public record TextFeatures(
    List<Value> hiddenStates,
    List<Value> attentions,
    Value lastHiddenState,
    Value pooled,
    Optional<Value> projected) {

  /** Keeps immutable copies. */
  public TextFeatures {
    hiddenStates = List.copyOf(hiddenStates);
    attentions = List.copyOf(attentions);
  }
}
