package io.github.vlm4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Matrix times vector in an arithmetic that is faster and coarser than f32, for quantised weights.
 */
public interface RowLoops {

  /** Returns whether these weights are multiplied so. */
  boolean takes(Matrix w);

  /** Returns the floats of scratch that one thread needs for k inputs. */
  int scratch(int k);

  /**
   * Makes one input row ready for {@link #multiply} with weights of this type and width.
   *
   * @param x an array of floats, {@code [columns]} of them from index {@code xAt} on
   * @param scratch an array of this thread's own, {@link #scratch} floats
   * @return where in the scratch it begins, which {@link #multiply} is told
   */
  int round(Matrix w, MemorySegment x, int xAt, MemorySegment scratch);

  /**
   * Computes some outputs of {@code y = W·x} for one input row, streaming W once.
   *
   * @param w {@code [rows, columns]}
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param scratch holds the input, as {@link #round} left it
   * @param scratchAt what that returned
   * @param y an array of floats; output r is written at index {@code yAt + r}
   */
  void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      MemorySegment scratch,
      int scratchAt,
      MemorySegment y,
      int yAt);
}
