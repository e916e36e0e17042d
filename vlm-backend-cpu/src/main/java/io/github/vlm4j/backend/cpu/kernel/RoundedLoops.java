package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Products of many inputs in an arithmetic that is faster and coarser than f32: inputs are rounded
 * before they are multiplied, sums are f32.
 */
public interface RoundedLoops extends RunLoops {

  /** Returns whether weights of a type are multiplied so. */
  boolean takes(DType weights);

  /**
   * Returns the rounded numbers that stand for one input: with a single one, errors are those of
   * bf16 or bytes, with two near those of f32, with three no more than those.
   */
  default int parts() {
    return 1;
  }

  /** Returns where rounded inputs lie, in units that {@link #multiplyRuns} knows. */
  Runs roundedRuns(int rows, int columns);

  /** Returns the floats that rounded inputs take, wherever {@link #aligned} says they begin. */
  int roundedFloats(int rows, int columns);

  /**
   * Rounds some rows of inputs.
   *
   * @param x {@code [rows, columns]}; of it, only the rows that are rounded have to be there
   * @param xAt where row 0 begins, or would begin
   * @param fromRow the first row
   * @param toRow one past the last row
   * @param rounded {@link #roundedFloats} floats, which hold other bits than f32
   * @param roundedAt where the first of all rows begins
   */
  void roundInputs(
      float[] x, int xAt, int columns, int fromRow, int toRow, float[] rounded, int roundedAt);

  /**
   * Returns what rounds pictures for convolutions that are multiplied as they are, or null where
   * these are slower than with transforms.
   */
  default @Nullable RoundedLines lines() {
    return null;
  }

  /** Returns the transforms of convolutions that spare multiplications, or null without any. */
  default @Nullable RoundedWinograd winograd() {
    return null;
  }
}
