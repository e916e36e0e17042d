package io.github.vlm4j.backend.cpu;

/**
 * Where a value's i32 elements lie.
 *
 * @param ints the array
 * @param at the index of the first element
 * @param length the number of elements
 */
record IntSpan(int[] ints, int at, int length) {

  /** Returns an element. */
  int get(int index) {
    return ints[at + index];
  }
}
