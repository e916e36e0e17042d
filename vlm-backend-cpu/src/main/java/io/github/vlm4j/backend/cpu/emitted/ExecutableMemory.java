package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Code in pages of its own, written first and then only read and executed, never writable and
 * executable at once. Pages before and after it cannot be touched. The code lives as long as an
 * arena, which cannot be closed while a function runs.
 */
@SuppressWarnings("restricted") // the flag for native access is asked for, and looked at first
final class ExecutableMemory {

  /** The system or the JVM does not allow code to be made; the message says what is missing. */
  static final class Refused extends RuntimeException {

    private static final long serialVersionUID = 1;

    /** Says what is refused, to stand behind "because". */
    Refused(String message) {
      super(message);
    }
  }

  private final MemorySegment code;

  private ExecutableMemory(MemorySegment code) {
    this.code = code;
  }

  /**
   * Makes code executable.
   *
   * @param arena how long it lives
   * @throws Refused if the system does not allow that
   */
  static ExecutableMemory of(byte[] code, Arena arena) {
    SystemMemory system = SystemMemory.ofThisSystem();
    long page = SystemMemory.PAGE;
    MemorySegment pages = system.map(Math.ceilDiv(Math.max(1, code.length), page) * page);
    try {
      MemorySegment.copy(MemorySegment.ofArray(code), 0, pages, 0, code.length);
      system.makeExecutable(pages);
    } catch (RuntimeException e) {
      system.unmap(pages);
      throw e;
    }
    return new ExecutableMemory(
        MemorySegment.ofAddress(pages.address())
            .reinterpret(code.length, arena, _ -> system.unmap(pages)));
  }

  /** Returns the pages' address. */
  long address() {
    return code.address();
  }

  /**
   * Returns a handle that calls a function without leaving the state in which Java runs, so that a
   * call takes some nanoseconds and may be given heap memory; such a function has to end soon, as
   * no garbage is collected meanwhile.
   *
   * @param at where the function begins
   */
  MethodHandle function(int at, FunctionDescriptor descriptor) {
    return Linker.nativeLinker()
        .downcallHandle(code.asSlice(at), descriptor, Linker.Option.critical(true));
  }
}
