package io.github.vlm4j.backend.cpu.kernel;

/**
 * Matrix times vector in an arithmetic that is faster and coarser than f32, for quantised weights.
 */
public interface RowLoops {

  /** Returns whether these weights are multiplied so. */
  boolean takes(Matrix w);

  /** Returns the floats of scratch that one thread needs for k inputs. */
  int scratch(int k);

  /**
   * Computes some outputs of {@code y = W·x} for one input row, streaming W once.
   *
   * @param w {@code [rows, columns]}
   * @param fromRow the first output
   * @param toRow one past the last output
   * @param x {@code [columns]}
   * @param y output r is written at {@code yAt + r}
   * @param scratch this thread's own, {@link #scratch} floats
   */
  void multiply(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt, float[] scratch);
}
