package io.github.vlm4j.core.backend;

import org.jspecify.annotations.Nullable;

/**
 * How a backend is opened.
 *
 * @param threads the number of threads to compute with; 0 lets the backend decide
 * @param weightBytes the bytes of the model's weights, by which a backend may choose how to
 *     compute; 0 if they are not known
 * @param device which of its {@link BackendProvider#devices} to compute on; null lets the backend
 *     decide
 * @param warmUp told what is compiled for the device, by backends that do
 */
public record BackendOptions(
    int threads, long weightBytes, @Nullable String device, WarmUpListener warmUp) {

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

  /** The backend's own choice of a device. */
  public BackendOptions(int threads, long weightBytes) {
    this(threads, weightBytes, null, WarmUpListener.NONE);
  }

  /** The backend's own choice in everything but the number of threads. */
  public BackendOptions(int threads) {
    this(threads, 0);
  }

  /** Returns a copy that asks for a number of threads; 0 lets the backend decide. */
  public BackendOptions withThreads(int number) {
    return new BackendOptions(number, weightBytes, device, warmUp);
  }

  /** Returns a copy for a model of weights of a size. */
  public BackendOptions withWeightBytes(long bytes) {
    return new BackendOptions(threads, bytes, device, warmUp);
  }

  /** Returns a copy for a device of the backend; null lets the backend decide. */
  public BackendOptions withDevice(@Nullable String id) {
    return new BackendOptions(threads, weightBytes, id, warmUp);
  }

  /** Returns a copy whose backend tells a listener what it compiles for its device. */
  public BackendOptions withWarmUp(WarmUpListener listener) {
    return new BackendOptions(threads, weightBytes, device, listener);
  }
}
