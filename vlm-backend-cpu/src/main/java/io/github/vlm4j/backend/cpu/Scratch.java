package io.github.vlm4j.backend.cpu;

import java.lang.foreign.MemorySegment;

/**
 * Memory whose content does not outlive one operation: one array per worker, as large as the
 * hungriest operation of a graph needs. Operations say what they need while the graph is lowered.
 */
final class Scratch {

  private final String what;
  private final float[][] arrays;
  private final MemorySegment[] segments;
  private long floats;

  /**
   * Creates scratch of no size yet.
   *
   * @param what what it is for, for errors
   * @param arrays the number of arrays
   */
  Scratch(String what, int arrays) {
    this.what = what;
    this.arrays = new float[arrays][];
    this.segments = new MemorySegment[arrays];
  }

  /** Makes each array hold at least that many floats. */
  void require(long count) {
    floats = Math.max(floats, count);
  }

  /** Allocates the arrays once all needs are known. */
  void allocate() {
    for (int i = 0; i < arrays.length; i++) {
      arrays[i] = Memory.allocate(floats, what);
      segments[i] = MemorySegment.ofArray(arrays[i]);
    }
  }

  /** Returns one array. */
  float[] array(int index) {
    return arrays[index];
  }

  /** Returns one array as native functions are given it. */
  MemorySegment segment(int index) {
    return segments[index];
  }

  /** Returns the bytes of all arrays. */
  long bytes() {
    return arrays.length * floats * Float.BYTES;
  }
}
