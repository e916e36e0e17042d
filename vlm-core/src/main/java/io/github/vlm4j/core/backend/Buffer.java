package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;

/** Memory on a backend's device that outlives runs: one layer's keys or values, say. */
public interface Buffer extends AutoCloseable {

  /** Returns the type of the elements. */
  DType dtype();

  /** Returns the extents. */
  Shape shape();

  /**
   * Copies the first rows of each head of another buffer of the same backend and type into this
   * one's.
   *
   * @param source {@code [heads, rows, d]}, as this buffer but for the number of rows
   * @param rows how many rows of each head
   */
  void copyRows(Buffer source, long rows);

  /**
   * Copies the first rows of each head to the host.
   *
   * @param target f32 {@code [heads, rows, d]}, as this buffer but for the number of rows; all its
   *     rows are filled
   */
  void read(Tensor target);

  /** Frees the memory. */
  @Override
  void close();
}
