package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Products of many inputs in an arithmetic that is faster and coarser than f32: preparing inputs
 * rounds them, sums are f32.
 */
public interface RoundedLoops extends PreparedLoops {

  /** Returns whether weights of a type are multiplied so. */
  boolean takes(DType weights);

  /**
   * Returns the rounded numbers that stand for one input: with a single one, errors are those of
   * bf16 or bytes, with two near those of f32, with three no more than those.
   */
  default int parts() {
    return 1;
  }

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
