package io.github.vlm4j.core.backend;

/**
 * How a backend is opened.
 *
 * @param threads the number of threads to compute with; 0 lets the backend decide
 */
public record BackendOptions(int threads) {

  /** The backend's own choice in everything. */
  public static final BackendOptions DEFAULT = new BackendOptions(0);

  /** Checks the values. */
  public BackendOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("The number of threads must not be negative: " + threads);
    }
  }
}
