package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.Value;
import java.util.List;

/**
 * What a decoder computes before its head.
 *
 * @param hiddenStates {@code [tokens, hidden]} each: the embeddings, then the output of every layer
 *     including what was added after it
 * @param lastHiddenState {@code [tokens, hidden]}, after the final norm
 */
public record DecoderFeatures(List<Value> hiddenStates, Value lastHiddenState) {

  /** Keeps an immutable copy. */
  public DecoderFeatures {
    hiddenStates = List.copyOf(hiddenStates);
  }
}
