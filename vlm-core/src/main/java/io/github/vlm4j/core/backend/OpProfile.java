package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.graph.Value;

/** Receives the time of each operation of a run. */
@FunctionalInterface
public interface OpProfile {

  /**
   * Called after an operation.
   *
   * @param value what was computed
   * @param nanos how long it took, in nanoseconds
   */
  void computed(Value value, long nanos);
}
