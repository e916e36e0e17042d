package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code of matrix times vector for quantised weights, whose inputs are quantised to signed bytes
 * in groups of 32, as ggml does it. Memory between the two functions is as {@link RowMemory} says.
 */
interface RowCode {

  /**
   * Writes the function that quantises inputs. Its arguments: the inputs, the bytes before the
   * first, the memory, the number of groups, and four times the byte that {@link #offset} says.
   *
   * @return where it begins
   */
  int quantise();

  /**
   * Writes the function that multiplies rows of weights with quantised inputs. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights
   *   <li>the bytes before the first row
   *   <li>the bytes from a row to the next
   *   <li>the number of rows, at least 1
   *   <li>the memory with the inputs
   *   <li>the number of groups, at least 1
   *   <li>the results, f32
   *   <li>the bytes before the first
   * </ol>
   *
   * @return where it begins
   */
  int multiply(DType type);

  /** Returns what is added to weights of a type to make them unsigned. */
  static int offset(DType type) {
    return switch (type) {
      case Q8_0 -> 128;
      case Q4_0 -> 8;
      case Q6_K -> 32;
      default -> 1;
    };
  }
}
