package io.github.vlm4j.core;

/**
 * No backend can do what was asked: the name is unknown, it is not available on this machine, it
 * lacks an operation, or there is not enough memory.
 */
public final class BackendException extends VlmException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   */
  public BackendException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   * @param cause what was caught
   */
  public BackendException(String message, Throwable cause) {
    super(message, cause);
  }
}
