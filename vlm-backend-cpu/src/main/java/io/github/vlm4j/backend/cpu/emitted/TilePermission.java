package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * The permission to use AMX, which Linux gives to a process that asks for it, as its registers take
 * eight kilobytes a thread (Linux, "Using XSTATE features in user space applications").
 */
final class TilePermission {

  private static final long SYS_ARCH_PRCTL = 158;
  private static final long ARCH_REQ_XCOMP_PERM = 0x1023;
  private static final long TILE_DATA = 18;

  private TilePermission() {}

  /** Asks for all threads of this process; returns whether the system agrees. */
  @SuppressWarnings("restricted") // the flag for native access is asked for, and looked at first
  static boolean ask() {
    if (!System.getProperty("os.name", "").toLowerCase(Locale.ROOT).equals("linux")) {
      return false;
    }
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find("syscall")
        .map(symbol ->
            linker.downcallHandle(
                symbol,
                FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                Linker.Option.firstVariadicArg(1)))
        .map(TilePermission::agreed)
        .orElse(false);
  }

  private static boolean agreed(MethodHandle syscall) {
    try {
      return (long) syscall.invokeExact(SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0;
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
