package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Optional;

/** Compiles graphs and holds the memory they share. Safe for use by several threads. */
public interface Backend extends AutoCloseable {

  /** Returns the name of its provider. */
  String name();

  /** Returns one line on what it computes with: device, threads, vector width. */
  String description();

  /**
   * Prepares a graph for running. Weights are used where they lie if the backend can.
   *
   * @param graph what to compute
   * @param weights the parameters' data; must stay open as long as the executable
   * @throws io.github.vlm4j.core.BackendException if it lacks an operation or a type, naming both,
   *     or if there is not enough memory
   */
  Executable compile(Graph graph, WeightSource weights);

  /**
   * Allocates zeroed memory that executables of this backend can share as a state.
   *
   * @param dtype the type of the elements: F32 and whatever else the backend knows of F16, BF16 and
   *     Q8_0
   * @throws io.github.vlm4j.core.BackendException if the backend does not know the type, or there
   *     is not enough memory
   */
  Buffer allocate(DType dtype, Shape shape);

  /**
   * Measures what the device can do at best with as many threads as this backend uses; takes a
   * second or two.
   *
   * @return empty if this backend cannot tell
   */
  default Optional<DeviceLimits> measureLimits() {
    return Optional.empty();
  }

  /** Frees everything; executables and buffers can no longer be used. */
  @Override
  void close();
}
