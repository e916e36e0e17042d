package io.github.vlm4j.backend.cpu;

/** One operation of a compiled graph, with everything it needs at hand. A run allocates nothing. */
@FunctionalInterface
interface Step {

  /** Computes the operation's result. */
  void run();
}
