package io.github.vlm4j.core.backend;

/**
 * Offers one backend to {@link java.util.ServiceLoader}. A provider must load and answer on every
 * machine, also where its backend cannot run.
 */
public interface BackendProvider {

  /** Returns the short name users choose it by, such as {@code cpu}. */
  String name();

  /** Returns its rank among usable backends; the highest is taken when none is named. */
  int priority();

  /** Returns whether it can run on this machine, and why not. Must not throw. */
  Availability availability();

  /**
   * Opens the backend.
   *
   * @throws io.github.vlm4j.core.BackendException if it cannot run after all
   */
  Backend open(BackendOptions options);
}
