package io.github.vlm4j.models.chat;

import java.util.List;

/**
 * How likely a model finds an answer after a conversation.
 *
 * @param tokens the answer's tokens
 * @param logprobs the natural logarithm of each token's probability after all before it
 * @param promptTokens how many tokens the conversation has
 * @param imageTokens how many of these stand for pictures
 */
public record AnswerScore(
    List<Integer> tokens, List<Double> logprobs, int promptTokens, int imageTokens) {

  /** Keeps immutable copies. */
  public AnswerScore {
    tokens = List.copyOf(tokens);
    logprobs = List.copyOf(logprobs);
  }

  /** Returns the natural logarithm of the whole answer's probability. */
  public double logLikelihood() {
    return logprobs.stream().mapToDouble(Double::doubleValue).sum();
  }

  /** Returns the mean cross-entropy of the answer's tokens, as training reports it. */
  public double loss() {
    return -logLikelihood() / logprobs.size();
  }

  /** Returns {@code e} to the power of the loss. */
  public double perplexity() {
    return Math.exp(loss());
  }
}
