package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.tensor.Tensor;
import java.util.List;

/**
 * A picture's embeddings and where they go.
 *
 * @param embeddings f32 {@code [tokens, hidden]}
 * @param deepstack f32 {@code [tokens, hidden]} each
 * @param rows for each embedding, the index of its placeholder in the prompt, ascending
 */
@SuppressWarnings("ArrayRecordComponent") // Handed from encoder to decoder, never compared.
public record EncodedVisual(Tensor embeddings, List<Tensor> deepstack, int[] rows) {

  /** Keeps an immutable copy of the list. */
  public EncodedVisual {
    deepstack = List.copyOf(deepstack);
  }
}
