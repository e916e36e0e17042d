package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.DecoderGeometry;

/**
 * What tells one grouped-query decoder from another.
 *
 * @param vocabularySize the number of tokens
 * @param hiddenSize the length of an embedding
 * @param intermediateSize the middle of a layer's MLP
 * @param layers the number of layers
 * @param attentionHeads the query heads of a layer
 * @param keyValueHeads the key/value heads of a layer; they divide the query heads
 * @param headDim the length of one head, whatever {@code hiddenSize / attentionHeads} is
 * @param hiddenAct the gate's non-linearity
 * @param rmsNormEps what is added to mean squares
 * @param attentionBias whether the four attention projections have biases
 * @param queryKeyNorm whether each head's query and key are normalised before they are turned
 * @param contextLength the most positions it was made for
 * @param tiedEmbeddings whether the head is the embedding table
 */
public record GqaDecoderConfig(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int attentionHeads,
    int keyValueHeads,
    int headDim,
    Activation hiddenAct,
    float rmsNormEps,
    boolean attentionBias,
    boolean queryKeyNorm,
    int contextLength,
    boolean tiedEmbeddings) {

  /** Returns the sizes that a decoder's callers need. */
  public DecoderGeometry geometry() {
    return new DecoderGeometry(
        vocabularySize, hiddenSize, layers, keyValueHeads, headDim, contextLength);
  }
}
