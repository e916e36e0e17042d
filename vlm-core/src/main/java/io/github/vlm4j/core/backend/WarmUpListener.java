package io.github.vlm4j.core.backend;

import java.time.Duration;

/**
 * Told what a backend compiles for its device while somebody waits for it, the first time that it
 * computes something.
 */
@FunctionalInterface
public interface WarmUpListener {

  /** Does nothing. */
  WarmUpListener NONE = (kernel, kernels, total) -> {};

  /**
   * Called after a kernel has been compiled, on the thread that waited for it. It should return
   * soon and must not use the backend.
   *
   * @param kernel the kernel's name
   * @param kernels how many kernels have been compiled while the listener's backend was open, this
   *     one included
   * @param total how long they took together, the first run of each included
   */
  void compiled(String kernel, int kernels, Duration total);
}
