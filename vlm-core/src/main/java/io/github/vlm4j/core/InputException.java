package io.github.vlm4j.core;

/**
 * What the caller passed in cannot be used: a picture that is none, a prompt longer than the
 * context, a malformed chat message.
 */
public final class InputException extends VlmException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   */
  public InputException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   * @param cause what was caught
   */
  public InputException(String message, Throwable cause) {
    super(message, cause);
  }
}
