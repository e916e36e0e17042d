package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;

/** What makes bf16 of inputs and weights. Distances are in bytes. */
sealed interface Bf16Numbers permits RoundedNumbers, SplitNumbers {

  /** Returns whether this is for weights of a type. */
  boolean takes(DType weights);

  /** Returns where lines of a cache begin in arrays. */
  CacheLines lines();

  /**
   * Makes bf16 of rows of some inputs, in whole blocks; what is after the last input becomes 0.
   *
   * @param x the rows in f32
   * @param columns the inputs of a row, at least 1
   * @param rows at least 1
   */
  void round(MemorySegment x, long apart, MemorySegment to, long toApart, int columns, long rows);

  /**
   * Lays the weights of a group of outputs out.
   *
   * @param rows the outputs, at most {@link PanelLayout#LANES}; what is laid out for others is of
   *     no account
   * @param packedAt where the group begins in {@code packed}
   * @param stagingAt where rows may be written on their way there, whole blocks of a group
   */
  void pack(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt);
}
