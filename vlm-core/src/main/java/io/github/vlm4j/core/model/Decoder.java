package io.github.vlm4j.core.model;

import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;

/**
 * An autoregressive language model over embeddings, by adding its layers to a graph. The same
 * description serves a prompt's many tokens and a decoding step's single one.
 */
public interface Decoder {

  /** Returns the sizes that callers need. */
  DecoderGeometry geometry();

  /**
   * Adds the lookup of token embeddings.
   *
   * @param ids i32 {@code [tokens]}
   * @return {@code [tokens, hidden]}
   */
  Value embed(GraphBuilder g, Value ids);

  /**
   * Adds the layers. They read and extend the states of a {@link KvCache} and declare inputs of
   * their own for positions, which {@link #setPositions} fills.
   *
   * @param g where to add them
   * @param embeddings {@code [tokens, hidden]}
   * @param cache how the cache's buffers are stored
   * @param afterLayer applied to each layer's output
   */
  DecoderFeatures decode(
      GraphBuilder g, Value embeddings, CacheLayout cache, AfterLayer afterLayer);

  /**
   * Adds the language-model head.
   *
   * @param hidden rows of the last hidden state, {@code [rows, hidden]}
   * @return {@code [rows, vocabulary]}
   */
  Value logits(GraphBuilder g, Value hidden);

  /**
   * Fills the position inputs of a compiled graph that this decoder was added to.
   *
   * @param executable the compiled graph
   * @param positions of the whole sequence
   * @param first the index in the sequence of the graph's first token, which is also the number of
   *     tokens already in the cache
   * @param count the graph's tokens
   */
  void setPositions(Executable executable, TokenPositions positions, int first, int count);

  /**
   * Returns whether keys that were made with some positions serve a sequence with others, for those
   * first tokens whose own positions are the same in both. Embeddings that stretch with the length
   * of the prompt may say no.
   *
   * @param before the positions that the keys in the cache were made with
   * @param next those of the sequence to be read
   */
  default boolean continues(TokenPositions before, TokenPositions next) {
    return true;
  }
}
