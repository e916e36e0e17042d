package io.github.vlm4j.backend.cpu;

/**
 * Where a value's f32 elements lie.
 *
 * @param memory the array
 * @param at the index of the first element
 * @param length the number of elements
 */
record Span(Memory memory, int at, int length) {

  /** Returns the array to index from {@link #at}, as of this run. */
  float[] floats() {
    return memory.floats();
  }
}
