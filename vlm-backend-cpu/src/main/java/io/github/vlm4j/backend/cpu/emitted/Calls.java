package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/** What calls of emitted functions have in common. */
final class Calls {

  private Calls() {}

  /** Describes a function by a letter for each argument: an address or a whole number. */
  static FunctionDescriptor arguments(String letters) {
    return FunctionDescriptor.ofVoid(
        letters
            .chars()
            .mapToObj(letter -> letter == 'a' ? ADDRESS : JAVA_LONG)
            .toArray(MemoryLayout[]::new));
  }

  /** Returns a part of an array, after a check that it is there. */
  static MemorySegment slice(float[] array, long at, long count) {
    return MemorySegment.ofArray(array).asSlice(Float.BYTES * at, Float.BYTES * count);
  }

  /** Returns what a call that cannot throw anything of its own ended with. */
  static RuntimeException failed(Throwable e) {
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
