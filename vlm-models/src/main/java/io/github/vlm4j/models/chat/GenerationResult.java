package io.github.vlm4j.models.chat;

import io.github.vlm4j.text.generate.FinishReason;
import io.github.vlm4j.text.generate.TokenLogprob;
import java.util.List;

/**
 * An answer.
 *
 * @param text without end-of-text tokens and stop strings
 * @param tokens its ids, the end-of-text token included
 * @param finishReason why it ended
 * @param promptTokens the tokens that were read, image tokens included
 * @param imageTokens how many of them stand for pictures and videos
 * @param logprobs by token, if asked for; else empty
 * @param timings how long the parts took
 */
public record GenerationResult(
    String text,
    List<Integer> tokens,
    FinishReason finishReason,
    int promptTokens,
    int imageTokens,
    List<TokenLogprob> logprobs,
    Timings timings) {

  /** Keeps immutable copies. */
  public GenerationResult {
    tokens = List.copyOf(tokens);
    logprobs = List.copyOf(logprobs);
  }
}
