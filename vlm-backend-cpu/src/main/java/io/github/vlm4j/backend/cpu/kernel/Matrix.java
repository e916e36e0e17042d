package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * A weight matrix where it lies: row-major, one row per output.
 *
 * @param dtype the stored element type
 * @param data exactly {@code rows · columns} elements
 * @param rows the number of outputs
 * @param columns the number of inputs
 */
public record Matrix(DType dtype, MemorySegment data, int rows, int columns) {

  /** Returns the byte offset of a row. */
  public long rowOffset(int row) {
    return dtype.bytes(columns) * row;
  }
}
