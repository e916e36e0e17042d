package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;

/** What inputs and weights become for {@link BlockLoops}. Distances are in bytes. */
interface BlockNumbers {

  /** Returns the numbers of a block. */
  int size();

  /** Returns the floats that a block of a row takes. */
  int floats();

  /** Returns whether these are for weights of a type. */
  boolean takes(DType weights);

  /** Returns the inputs from which on this is no slower than other ways to multiply. */
  int leastInputs(DType weights);

  /**
   * Rounds rows of inputs.
   *
   * @param apart from a row to the next
   * @param toApart from a row's first block to that of the next
   * @param blocksApart from a block of a row to the next
   */
  void roundInputs(
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      long blocksApart,
      int columns,
      int rows);

  /** Returns the floats that {@link #roundWeights} needs behind those that it writes. */
  int scratch(int columns);

  /**
   * Makes blocks of rows of weights, each row's one after the other.
   *
   * @param to where they go
   * @param toAt where the first row begins; the others follow it
   * @param scratchAt where there are {@link #scratch} floats
   */
  void roundWeights(Matrix w, int row, int rows, float[] to, int toAt, int scratchAt);

  /** Returns what multiplies them. */
  BlockProducts products();
}
