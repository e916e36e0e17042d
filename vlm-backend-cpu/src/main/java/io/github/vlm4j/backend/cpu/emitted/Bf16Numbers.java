package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;

/** What makes bf16 of weights; inputs are what {@link Bf16Functions#round} makes of them. */
sealed interface Bf16Numbers permits RoundedNumbers, SplitNumbers {

  /** Returns whether this is for weights of a type. */
  boolean takes(DType weights);

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
