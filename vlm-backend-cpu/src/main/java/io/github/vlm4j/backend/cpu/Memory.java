package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.BackendException;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/**
 * The array behind values of a graph. It is replaced when a state is bound to another buffer; all
 * that holds the memory sees the new array from the next run on.
 */
final class Memory {

  /** What every JVM can allocate; a few refuse the last elements below 2³¹. */
  private static final long MOST_FLOATS = Integer.MAX_VALUE - 8L;

  private float[] floats;
  private MemorySegment segment;

  /** Creates memory over an array. */
  Memory(float[] floats) {
    this.floats = floats;
    this.segment = MemorySegment.ofArray(floats);
  }

  /** Returns the array. */
  float[] floats() {
    return floats;
  }

  /** Returns the array as native functions are given it. */
  MemorySegment segment() {
    return segment;
  }

  /** Replaces the array. */
  void replace(float[] other) {
    if (other != floats) {
      floats = other;
      segment = MemorySegment.ofArray(other);
    }
  }

  /**
   * Allocates a zeroed array.
   *
   * @param count the number of floats
   * @param what what they are for, for the error
   * @throws BackendException if there is not enough memory, saying how much is needed
   */
  static float[] allocate(long count, String what) {
    return allocate(count, what, () -> new float[(int) count]);
  }

  /**
   * Allocates an array of elements of four bytes.
   *
   * @param count the number of elements
   * @param what what they are for, for the error
   * @param allocation makes the array
   * @throws BackendException if there is not enough memory, saying how much is needed
   */
  static <T> T allocate(long count, String what, Supplier<T> allocation) {
    requireOneArray(count, what);
    try {
      return allocation.get();
    } catch (OutOfMemoryError e) {
      throw new BackendException(
          needs(count, what)
              + ", but the Java heap may grow to "
              + (Runtime.getRuntime().maxMemory() >> 20)
              + " MiB only and is in use by others too; raise it with -Xmx or use a shorter context"
              + " or smaller images.",
          e);
    }
  }

  /**
   * Checks that an array can hold that many elements of four bytes.
   *
   * @throws BackendException if not, saying how much is needed
   */
  static void requireOneArray(long count, String what) {
    if (count > MOST_FLOATS) {
      throw new BackendException(
          needs(count, what)
              + ", more than the cpu backend can hold in one piece ("
              + mebibytes(MOST_FLOATS)
              + " MiB); use a shorter context or smaller images.");
    }
  }

  private static String needs(long count, String what) {
    return what + " takes " + count * Float.BYTES + " bytes (" + mebibytes(count) + " MiB)";
  }

  private static long mebibytes(long floats) {
    return Math.ceilDiv(floats * Float.BYTES, 1L << 20);
  }
}
