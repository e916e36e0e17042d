package io.github.vlm4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Products of quantised weights with a few input rows, in the arithmetic of {@link RowLoops}. Each
 * input is rounded once, and weights are fetched once for several of them.
 */
public interface FewRowsLoops {

  /** Returns how many inputs are multiplied together; there are no products of fewer. */
  int leastInputs();

  /** Returns whether these weights are multiplied so. */
  boolean takes(Matrix w);

  /** Returns the floats that k rounded inputs take. */
  int roundedFloats(int k);

  /** Returns the floats of scratch that one thread needs. */
  int scratch();

  /**
   * Rounds one input.
   *
   * @param x an array of floats, k of them from index {@code xAt} on
   * @param rounded an array of floats, {@link #roundedFloats} of them from {@code roundedAt} on
   */
  void round(MemorySegment x, int xAt, int k, MemorySegment rounded, int roundedAt);

  /**
   * Computes some outputs of {@code y = x·Wᵀ}.
   *
   * @param w {@code [rows, columns]}
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param inputs the number of inputs, {@link #leastInputs} or more
   * @param rounded an array of floats that begins with the inputs, one rounded after the other
   * @param y an array of floats; output r of input i is written at {@code yAt + i · rows + r}
   * @param scratch an array of this thread's own, {@link #scratch} floats
   */
  void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      int inputs,
      MemorySegment rounded,
      MemorySegment y,
      int yAt,
      MemorySegment scratch);
}
