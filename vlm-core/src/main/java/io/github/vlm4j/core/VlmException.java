package io.github.vlm4j.core;

import org.jspecify.annotations.Nullable;

/**
 * The root of every failure that VLM4J reports. Its message is one sentence for the person at the
 * keyboard: what was wrong, where, what was expected and what to do about it.
 */
public abstract sealed class VlmException extends RuntimeException
    permits CheckpointException, ModelException, InputException, BackendException {

  private static final long serialVersionUID = 1L;

  private final String sentence;

  VlmException(String message, @Nullable Throwable cause) {
    super(message, cause);
    sentence = message;
  }

  /** Returns the sentence; never null. */
  @Override
  public final String getMessage() {
    return sentence;
  }
}
