package io.github.vlm4j.backend.cpu;

import java.lang.foreign.MemorySegment;

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

  /** Returns the array as native functions are given it. */
  MemorySegment segment() {
    return memory.segment();
  }

  /** Returns whether this and another have an element in common. */
  boolean meets(Span other) {
    return memory == other.memory && at < other.at + other.length && other.at < at + length;
  }
}
