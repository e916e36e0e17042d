package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.DecoderGeometry;

/**
 * The sizes of a {@link LearnedPositionDecoder}.
 *
 * @param vocabularySize the number of tokens
 * @param hiddenSize the length of an embedding
 * @param intermediateSize the middle of a layer's MLP
 * @param layers the number of layers
 * @param heads the attention heads of a layer; they divide {@code hiddenSize}
 * @param hiddenAct the MLP's non-linearity
 * @param layerNormEps what the norms add to the variance
 * @param contextLength the number of positions that were learned
 */
public record LearnedPositionDecoderConfig(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    Activation hiddenAct,
    float layerNormEps,
    int contextLength) {

  /** Returns the length of one head. */
  public int headDim() {
    return hiddenSize / heads;
  }

  /** Returns the sizes that a decoder's callers need. */
  public DecoderGeometry geometry() {
    return new DecoderGeometry(vocabularySize, hiddenSize, layers, heads, headDim(), contextLength);
  }
}
