package io.github.vlm4j.backend.cpu.vector;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Where lines of a cache begin in arrays, which Java does not say: the C library's {@code memmove}
 * does, as it returns what it is given, if native access is granted. It is a matter of speed alone,
 * as an array may be moved later on: a vector of 64 bytes that begins elsewhere is loaded from two
 * lines.
 */
final class ArrayLines {

  private static final int BYTES = 64;

  /** The floats before the next line, at most. */
  static final int MOST_SKIPPED = BYTES / Float.BYTES - 1;

  private static final Optional<MethodHandle> MEMMOVE = memmove();

  private ArrayLines() {}

  /**
   * Returns the first place in an array that begins a line, as far as that is known.
   *
   * @param at where to look from; at most {@link #MOST_SKIPPED} floats are skipped
   */
  static int next(float[] array, int at) {
    if (MEMMOVE.isEmpty()) {
      return at;
    }
    MemorySegment segment = MemorySegment.ofArray(array);
    long address;
    try {
      address = (long) MEMMOVE.get().invokeExact(segment, segment, 0L);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    return at + (int) ((-(address + (long) Float.BYTES * at) & BYTES - 1) / Float.BYTES);
  }

  @SuppressWarnings("restricted") // the flag for native access is looked at first
  private static Optional<MethodHandle> memmove() {
    if (!ArrayLines.class.getModule().isNativeAccessEnabled()) {
      return Optional.empty();
    }
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor descriptor = FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG);
    return linker
        .defaultLookup()
        .find("memmove")
        .map(symbol -> linker.downcallHandle(symbol, descriptor, Linker.Option.critical(true)));
  }
}
