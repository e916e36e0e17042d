package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Where lines of a cache begin in arrays. What is laid out from there on is read faster than from
 * elsewhere; it is a matter of speed alone, as an array may be moved later on.
 */
final class CacheLines {

  private static final int BYTES = 64;

  /** The floats before the next line, at most. */
  static final int MOST_SKIPPED = BYTES / Float.BYTES - 1;

  private final MethodHandle address;

  /**
   * Makes the code that tells where an array lies.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  CacheLines(Arena arena) {
    Assembler assembler = new Assembler();
    int addressAt = address(assembler);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    address = memory.function(addressAt, FunctionDescriptor.of(JAVA_LONG, ADDRESS));
  }

  /** Writes the function that returns its argument. */
  private static int address(Assembler a) {
    int at = a.position();
    Frame frame = Frame.withoutVectors(a, CallingConvention.ofThisSystem());
    a.mov(Gpr.RAX, frame.argument(0));
    frame.leave();
    return at;
  }

  /**
   * Returns the first place in an array that begins a line.
   *
   * @param at where to look from; at most {@link #MOST_SKIPPED} floats are skipped
   */
  int next(float[] array, int at) {
    return next(MemorySegment.ofArray(array), at);
  }

  /** Returns the first place in an array of floats that begins a line. */
  int next(MemorySegment array) {
    return next(array, 0);
  }

  private int next(MemorySegment array, int at) {
    try {
      long bytes = (long) address.invokeExact(array) + (long) Float.BYTES * at;
      return at + (int) ((-bytes & BYTES - 1) / Float.BYTES);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
