package io.github.vlm4j.core;

/** A file of a model folder is missing, malformed, or contradicts another one. */
public final class CheckpointException extends VlmException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   */
  public CheckpointException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   * @param cause what was caught
   */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
