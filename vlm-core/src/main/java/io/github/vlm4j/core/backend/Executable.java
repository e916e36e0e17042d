package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.tensor.Tensor;
import java.util.Set;

/**
 * A compiled graph. It is run again and again: fill the inputs, run, read the outputs. A run
 * allocates nothing. Not safe for use by several threads at once.
 */
public interface Executable extends AutoCloseable {

  /**
   * Returns the host memory of an input, to be filled before a run; it keeps its content.
   *
   * @throws IllegalArgumentException if the graph has no such input
   */
  Tensor input(String name);

  /**
   * Sets the memory behind a state of the graph, for all runs from now on.
   *
   * @throws IllegalArgumentException if the graph has no such state or the shape differs
   */
  void bind(String state, Buffer buffer);

  /**
   * Computes the outputs.
   *
   * @throws io.github.vlm4j.core.BackendException if a state is not bound or the device fails
   */
  void run();

  /**
   * Computes the outputs and tells how long each operation took.
   *
   * @param profile called after each operation, on the calling thread
   */
  void run(OpProfile profile);

  /**
   * Returns the host memory of an output, valid until the next run.
   *
   * @throws IllegalArgumentException if the graph has no such output
   */
  Tensor output(String name);

  /** Returns the names of the outputs. */
  Set<String> outputs();

  /** Returns the bytes this executable holds for activations. */
  long activationBytes();

  /** Frees what the executable holds. */
  @Override
  void close();
}
