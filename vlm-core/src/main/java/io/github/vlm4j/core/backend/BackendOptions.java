package io.github.vlm4j.core.backend;

/**
 * How a backend is opened.
 *
 * @param threads the number of threads to compute with; 0 lets the backend decide
 * @param weightBytes the bytes of the model's weights, by which a backend may choose how to
 *     compute; 0 if they are not known
 */
public record BackendOptions(int threads, long weightBytes) {

  /** The backend's own choice in everything. */
  public static final BackendOptions DEFAULT = new BackendOptions(0);

  /** Checks the values. */
  public BackendOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("The number of threads must not be negative: " + threads);
    }
    if (weightBytes < 0) {
      throw new IllegalArgumentException("Weights of a negative size: " + weightBytes + " bytes");
    }
  }

  /** The backend's own choice in everything but the number of threads. */
  public BackendOptions(int threads) {
    this(threads, 0);
  }

  /** Returns a copy for a model of weights of a size. */
  public BackendOptions withWeightBytes(long bytes) {
    return new BackendOptions(threads, bytes);
  }
}
