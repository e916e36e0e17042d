package io.github.vlm4j.core.backend;

import java.util.List;

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
   * Returns the devices that it can be opened on, the one it chooses by itself first; none if there
   * is nothing to choose from, or it cannot run. Must not throw.
   */
  default List<BackendDevice> devices() {
    return List.of();
  }

  /**
   * Opens the backend.
   *
   * @throws io.github.vlm4j.core.BackendException if it cannot run after all
   */
  Backend open(BackendOptions options);
}
