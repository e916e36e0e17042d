package io.github.vlm4j.models.chat;

import io.github.vlm4j.text.generate.TokenLogprob;

/** Follows an answer while it is made. All calls come on the generating thread. */
public interface GenerationListener {

  /** Follows nothing. */
  GenerationListener NONE = new GenerationListener() {};

  /**
   * A picture or video passed the encoder. Those whose features the model still knows do not.
   *
   * @param done how many so far
   * @param total how many there are to encode
   */
  default void imageEncoded(int done, int total) {}

  /**
   * A part of the prompt passed the decoder. The first call tells how much of it had been read for
   * the request before; 0 means nothing.
   *
   * @param done how many tokens so far
   * @param total the prompt's tokens
   */
  default void promptRead(int done, int total) {}

  /**
   * A token was chosen; its text may come later, as characters can span tokens.
   *
   * @param token its id
   */
  default void token(int token) {}

  /**
   * A token's log-probability, if they were asked for; called after {@link #token}.
   *
   * @param logprob of the token
   */
  default void logprob(TokenLogprob logprob) {}

  /**
   * More of the answer's text, in whole characters.
   *
   * @param text not empty
   */
  default void text(String text) {}

  /**
   * Returns whether the answer is no longer wanted; asked before each token.
   *
   * @return true to end it with {@link io.github.vlm4j.text.generate.FinishReason#CANCELLED}
   */
  default boolean cancelled() {
    return false;
  }
}
