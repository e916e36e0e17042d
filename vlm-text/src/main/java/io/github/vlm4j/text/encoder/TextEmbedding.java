package io.github.vlm4j.text.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;

/**
 * What a text encoder begins with: an embedding for each token and one for each place.
 *
 * @param tokens {@code [vocabulary, hidden]}
 * @param positions {@code [context, hidden]}
 */
record TextEmbedding(Weight tokens, Weight positions) {

  /**
   * Adds the embeddings of texts, one after the other and equally long.
   *
   * @param ids i32 {@code [texts · tokens]}
   * @return {@code [texts · tokens, hidden]}
   */
  Value apply(GraphBuilder g, Value ids, int texts) {
    int length = (int) ids.shape().dim(0) / texts;
    long hidden = tokens.shape().dim(1);
    return g.embedding(tokens, ids)
        .reshape(texts, length, hidden)
        .plus(g.parameter(positions.rows(0, length)))
        .reshape(-1, hidden);
  }
}
