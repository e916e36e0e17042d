package io.github.vlm4j.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * An array as native functions are given it. The segment is made anew only when the array is
 * another than the time before, so that a step that is given the same arrays again allocates
 * nothing.
 */
final class FloatSegment {

  private float[] array = new float[0];
  private MemorySegment segment = MemorySegment.ofArray(array);

  /** Returns the segment of a whole array. */
  MemorySegment of(float[] current) {
    if (array != current) {
      array = current;
      segment = MemorySegment.ofArray(current);
    }
    return segment;
  }
}
