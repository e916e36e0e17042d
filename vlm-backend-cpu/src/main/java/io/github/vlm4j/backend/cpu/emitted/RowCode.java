package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;

/**
 * The code of matrix times vector for quantised weights, whose inputs are quantised to signed bytes
 * in groups of 32, as ggml does it. Memory between the two functions is as {@link RowMemory} says.
 */
interface RowCode {

  /**
   * Writes the function that quantises inputs. Its arguments: the inputs, the bytes before the
   * first, the memory, the bytes before its first input, the number of groups, and four times the
   * byte that {@link #offset} says.
   *
   * @return where it begins
   */
  int quantise();

  /**
   * Returns the rows that are read side by side, at most: streams that lie far apart, which
   * processors fetch ahead each by itself.
   */
  int streams();

  /**
   * Writes the function that multiplies rows of weights with quantised inputs. Its arguments:
   *
   * <ol start="0">
   *   <li>the weights
   *   <li>the bytes before the first row of the first stream
   *   <li>the bytes from a stream to the next
   *   <li>the rows of a stream, at least 1, without gaps
   *   <li>the memory with the inputs
   *   <li>the bytes before the first
   *   <li>the number of groups, at least 1
   *   <li>the results, f32
   *   <li>the bytes before the first
   *   <li>the bytes from a stream's results to the next's
   * </ol>
   *
   * @param streams how many rows are read side by side
   * @return where it begins
   */
  int multiply(DType type, int streams);

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
