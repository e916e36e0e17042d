package io.github.vlm4j.core;

/**
 * A model cannot be built or run as asked: a configuration that is not supported, a graph whose
 * shapes do not fit, a tensor of the wrong shape.
 */
public final class ModelException extends VlmException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   */
  public ModelException(String message) {
    super(message, null);
  }

  /**
   * Creates the exception.
   *
   * @param message one sentence: what, where, what was expected, what to do
   * @param cause what was caught
   */
  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
