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

  /** Returns the floats of memory that {@link #layOut} needs behind all panels. */
  int scratch(int columns);

  /**
   * Lays rows of weights out as panels, without a bias. In the floats between two panels, and in
   * those of the first {@link #scratch} that are needed, anything is left.
   *
   * @param rows the rows; of a panel with fewer than {@link BlockProductCode#WIDTH}, what is laid
   *     out for the others is of no account
   * @param panelAt where the first panel begins
   * @param apart the floats from a panel to the next
   * @param scratchAt where all panels end
   */
  void layOut(Matrix w, int row, int rows, float[] packed, int panelAt, int apart, int scratchAt);

  /** Returns what multiplies them. */
  BlockProducts products();
}
