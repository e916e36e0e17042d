package io.github.vlm4j.models.family;

import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.VisionFeatures;
import java.util.List;

/**
 * A picture's way from pixels to what the decoder reads, as values of a graph.
 *
 * @param features what the encoder computes
 * @param embeddings {@code [tokens, hidden]}: what stands in the placeholders' rows
 * @param deepstack {@code [tokens, hidden]} each: what is added to those rows after decoder layer
 *     0, 1, …; empty for most families
 */
public record VisualEmbeddings(VisionFeatures features, Value embeddings, List<Value> deepstack) {

  /** Keeps an immutable copy. */
  public VisualEmbeddings {
    deepstack = List.copyOf(deepstack);
  }
}
