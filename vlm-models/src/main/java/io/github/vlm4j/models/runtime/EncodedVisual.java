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

  /** Returns the same picture in another place. */
  EncodedVisual at(int[] otherRows) {
    return new EncodedVisual(embeddings, deepstack, otherRows);
  }

  /** Returns the bytes that its features take. */
  long bytes() {
    return bytes(embeddings) + deepstack.stream().mapToLong(EncodedVisual::bytes).sum();
  }

  private static long bytes(Tensor tensor) {
    return Tensor.byteSize(tensor.dtype(), tensor.shape());
  }
}
