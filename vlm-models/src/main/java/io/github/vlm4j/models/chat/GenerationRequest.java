package io.github.vlm4j.models.chat;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A conversation to be answered, and how. Immutable; made by {@link #builder()}.
 *
 * <pre>{@code
 * var request = GenerationRequest.builder()
 *     .message(Message.user(Image.of(path), "What is in the picture?"))
 *     .maxNewTokens(64)
 *     .build();
 * }</pre>
 */
public final class GenerationRequest {

  /** How long an answer gets if the request does not say. */
  public static final int DEFAULT_MAX_NEW_TOKENS = 512;

  /** The most alternatives that can be listed for a token. */
  public static final int MAX_TOP_LOGPROBS = 100;

  private final List<Message> messages;
  private final @Nullable SamplingOptions sampling;
  private final int maxNewTokens;
  private final List<String> stopStrings;
  private final int topLogprobs;
  private final boolean ignoreEos;
  private final GenerationListener listener;

  private GenerationRequest(Builder builder) {
    messages = List.copyOf(builder.messages);
    sampling = builder.sampling;
    maxNewTokens = builder.maxNewTokens;
    stopStrings = List.copyOf(builder.stopStrings);
    topLogprobs = builder.topLogprobs;
    ignoreEos = builder.ignoreEos;
    listener = builder.listener;
  }

  /** Starts a request. */
  public static Builder builder() {
    return new Builder();
  }

  /** Returns the conversation. */
  public List<Message> messages() {
    return messages;
  }

  /** Returns how tokens are chosen; empty means as the checkpoint's own defaults say. */
  public Optional<SamplingOptions> sampling() {
    return Optional.ofNullable(sampling);
  }

  /** Returns the most tokens the answer may have. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** Returns the strings that end the answer and are not part of it. */
  public List<String> stopStrings() {
    return stopStrings;
  }

  /** Returns how many alternatives to list for each token; −1 for no log-probabilities at all. */
  public int topLogprobs() {
    return topLogprobs;
  }

  /** Returns whether end-of-text tokens are treated as any other. */
  public boolean ignoreEos() {
    return ignoreEos;
  }

  /** Returns who follows the answer while it is made. */
  public GenerationListener listener() {
    return listener;
  }

  /** Collects a request. */
  public static final class Builder {
    private final List<Message> messages = new ArrayList<>();
    private @Nullable SamplingOptions sampling;
    private int maxNewTokens = DEFAULT_MAX_NEW_TOKENS;
    private List<String> stopStrings = List.of();
    private int topLogprobs = -1;
    private boolean ignoreEos;
    private GenerationListener listener = GenerationListener.NONE;

    private Builder() {}

    /** Adds a turn to the conversation. */
    public Builder message(Message message) {
      messages.add(message);
      return this;
    }

    /** Adds turns to the conversation. */
    public Builder messages(List<Message> turns) {
      messages.addAll(turns);
      return this;
    }

    /** Sets how tokens are chosen, instead of the checkpoint's own defaults. */
    public Builder sampling(SamplingOptions options) {
      sampling = options;
      return this;
    }

    /** Sets the most tokens the answer may have; at least 1. */
    public Builder maxNewTokens(int tokens) {
      maxNewTokens = tokens;
      return this;
    }

    /** Sets the strings that end the answer. */
    public Builder stop(String... strings) {
      stopStrings = Arrays.asList(strings.clone());
      return this;
    }

    /** Asks for each token's log-probability and this many alternatives, 0 to 100. */
    public Builder topLogprobs(int alternatives) {
      topLogprobs = alternatives;
      return this;
    }

    /** Treats end-of-text tokens as any other, for benchmarks. */
    public Builder ignoreEos(boolean ignore) {
      ignoreEos = ignore;
      return this;
    }

    /** Sets who follows the answer while it is made. */
    public Builder listener(GenerationListener follower) {
      listener = follower;
      return this;
    }

    /**
     * Returns the request.
     *
     * @throws InputException if there is no message or a number is out of its range
     */
    public GenerationRequest build() {
      if (messages.isEmpty()) {
        throw new InputException("The request has no messages; add at least one user message.");
      }
      if (maxNewTokens < 1) {
        throw new InputException(
            "The number of new tokens must be at least 1, not " + maxNewTokens + ".");
      }
      if (topLogprobs < -1 || topLogprobs > MAX_TOP_LOGPROBS) {
        throw new InputException(
            "The number of log-probability alternatives must be from 0 to "
                + MAX_TOP_LOGPROBS
                + ", not "
                + topLogprobs
                + ".");
      }
      return new GenerationRequest(this);
    }
  }
}
