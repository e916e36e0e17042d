package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/** What the operating system does with pages. */
@SuppressWarnings("restricted") // the flag for native access is asked for, and looked at first
sealed interface SystemMemory {

  /** The size of what is protected as one, on any system here or larger. */
  int PAGE = 1 << 16;

  /**
   * Returns pages that can be written, with pages before and after that cannot be touched.
   *
   * @param bytes a multiple of {@link #PAGE}
   * @throws ExecutableMemory.Refused if the system does not give them
   */
  MemorySegment map(long bytes);

  /**
   * Lets the pages be read and executed, and no longer be written.
   *
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  void makeExecutable(MemorySegment pages);

  /** Gives the pages back, and those around them. */
  void unmap(MemorySegment pages);

  /** Returns the functions of the system that this JVM runs on. */
  static SystemMemory ofThisSystem() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    return name.startsWith("windows") ? new Windows() : new Posix(name.startsWith("mac"));
  }

  private static MethodHandle function(
      SymbolLookup symbols, String name, FunctionDescriptor descriptor) {
    MemorySegment symbol =
        symbols
            .find(name)
            .orElseThrow(() -> new ExecutableMemory.Refused("the system has no " + name));
    return Linker.nativeLinker().downcallHandle(symbol, descriptor);
  }

  /** {@code mmap}, {@code mprotect} and {@code munmap}. */
  final class Posix implements SystemMemory {

    private static final int NONE = 0;
    private static final int READ = 1;
    private static final int WRITE = 2;
    private static final int EXECUTE = 4;
    private static final int PRIVATE = 2;

    private final int anonymous;
    private final MethodHandle mmap;
    private final MethodHandle mprotect;
    private final MethodHandle munmap;

    Posix(boolean mac) {
      SymbolLookup symbols = Linker.nativeLinker().defaultLookup();
      anonymous = mac ? 0x1000 : 0x20;
      mmap =
          function(
              symbols,
              "mmap",
              FunctionDescriptor.of(
                  ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
      mprotect =
          function(
              symbols, "mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
      munmap = function(symbols, "munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
    }

    @Override
    public MemorySegment map(long bytes) {
      try {
        var all =
            (MemorySegment)
                mmap.invokeExact(
                    MemorySegment.NULL, bytes + 2L * PAGE, NONE, PRIVATE | anonymous, -1, 0L);
        if (all.address() == -1) {
          throw new ExecutableMemory.Refused("mmap gives no memory");
        }
        MemorySegment pages = MemorySegment.ofAddress(all.address() + PAGE).reinterpret(bytes);
        if ((int) mprotect.invokeExact(pages, bytes, READ | WRITE) != 0) {
          unmap(pages);
          throw new ExecutableMemory.Refused("mprotect does not let memory be written");
        }
        return pages;
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void makeExecutable(MemorySegment pages) {
      try {
        if ((int) mprotect.invokeExact(pages, pages.byteSize(), READ | EXECUTE) != 0) {
          throw new ExecutableMemory.Refused("mprotect does not let memory be executed");
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void unmap(MemorySegment pages) {
      try {
        MemorySegment all = MemorySegment.ofAddress(pages.address() - PAGE);
        int ignored = (int) munmap.invokeExact(all, pages.byteSize() + 2L * PAGE);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** {@code VirtualAlloc}, {@code VirtualProtect} and {@code VirtualFree}. */
  final class Windows implements SystemMemory {

    private static final int COMMIT = 0x1000;
    private static final int RESERVE = 0x2000;
    private static final int RELEASE = 0x8000;
    private static final int NO_ACCESS = 0x01;
    private static final int READ_WRITE = 0x04;
    private static final int EXECUTE_READ = 0x20;

    private final MethodHandle virtualAlloc;
    private final MethodHandle virtualProtect;
    private final MethodHandle virtualFree;

    Windows() {
      SymbolLookup symbols = SymbolLookup.libraryLookup("kernel32", Arena.global());
      virtualAlloc =
          function(
              symbols,
              "VirtualAlloc",
              FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT));
      virtualProtect =
          function(
              symbols,
              "VirtualProtect",
              FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS));
      virtualFree =
          function(
              symbols,
              "VirtualFree",
              FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    }

    @Override
    public MemorySegment map(long bytes) {
      try {
        var all =
            (MemorySegment)
                virtualAlloc.invokeExact(MemorySegment.NULL, bytes + 2L * PAGE, RESERVE, NO_ACCESS);
        if (all.address() == 0) {
          throw new ExecutableMemory.Refused("VirtualAlloc gives no memory");
        }
        MemorySegment pages = MemorySegment.ofAddress(all.address() + PAGE).reinterpret(bytes);
        var committed = (MemorySegment) virtualAlloc.invokeExact(pages, bytes, COMMIT, READ_WRITE);
        if (committed.address() == 0) {
          unmap(pages);
          throw new ExecutableMemory.Refused("VirtualAlloc does not let memory be written");
        }
        return pages;
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void makeExecutable(MemorySegment pages) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment before = arena.allocate(ValueLayout.JAVA_INT);
        if ((int) virtualProtect.invokeExact(pages, pages.byteSize(), EXECUTE_READ, before) == 0) {
          throw new ExecutableMemory.Refused("VirtualProtect does not let memory be executed");
        }
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void unmap(MemorySegment pages) {
      try {
        MemorySegment all = MemorySegment.ofAddress(pages.address() - PAGE);
        int ignored = (int) virtualFree.invokeExact(all, 0L, RELEASE);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
