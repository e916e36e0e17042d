package io.github.vlm4j.core.model;

/**
 * The sizes of a decoder that its callers need.
 *
 * @param vocabularySize the length of a row of logits
 * @param hiddenSize the length of an embedding
 * @param layers the number of layers
 * @param keyValueHeads the key/value heads of a layer
 * @param headDim the length of a key and a value
 * @param contextLength the most positions it was made for
 */
public record DecoderGeometry(
    int vocabularySize,
    int hiddenSize,
    int layers,
    int keyValueHeads,
    int headDim,
    int contextLength) {}
