package io.github.vlm4j.core.backend;

import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;

/** F32 memory on a backend's device that outlives runs: one layer's keys or values, say. */
public interface Buffer extends AutoCloseable {

  /** Returns the extents. */
  Shape shape();

  /**
   * Copies the first rows of another buffer of the same backend into this one's first rows.
   *
   * @param source a buffer of the same row extents
   * @param rows how many rows of the outermost dimension
   */
  void copyRows(Buffer source, long rows);

  /**
   * Copies the first rows to the host.
   *
   * @param target f32, of this buffer's row extents; all its rows are filled
   */
  void read(Tensor target);

  /** Frees the memory. */
  @Override
  void close();
}
