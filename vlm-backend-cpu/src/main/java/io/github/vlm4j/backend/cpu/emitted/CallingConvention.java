package io.github.vlm4j.backend.cpu.emitted;

import java.util.List;
import java.util.Locale;

/**
 * Where a function finds its arguments and what it has to leave as it was.
 *
 * @param arguments where the first arguments are, those that are addresses or whole numbers
 * @param shadowed the arguments in registers that have room on the stack all the same
 * @param kept the registers that a function restores before it returns
 * @param firstKeptVector the first vector register whose lower 128 bits are restored
 * @param lastKeptVector the last one; less than the first if there is none
 */
record CallingConvention(
    List<Gpr> arguments, int shadowed, List<Gpr> kept, int firstKeptVector, int lastKeptVector) {

  /**
   * Linux, macOS and others: "System V Application Binary Interface, AMD64 Architecture Processor
   * Supplement", 3.2. No vector register has to be kept.
   */
  static final CallingConvention SYSTEM_V =
      new CallingConvention(
          List.of(Gpr.RDI, Gpr.RSI, Gpr.RDX, Gpr.RCX, Gpr.R8, Gpr.R9),
          0,
          List.of(Gpr.RBX, Gpr.RBP, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15),
          0,
          -1);

  /**
   * Windows: Microsoft, "x64 calling convention". The lower 128 bits of vector registers 6 to 15
   * are kept, and the caller leaves room for the arguments in registers.
   */
  static final CallingConvention WINDOWS =
      new CallingConvention(
          List.of(Gpr.RCX, Gpr.RDX, Gpr.R8, Gpr.R9),
          4,
          List.of(Gpr.RBX, Gpr.RBP, Gpr.RDI, Gpr.RSI, Gpr.R12, Gpr.R13, Gpr.R14, Gpr.R15),
          6,
          15);

  /** Keeps immutable copies. */
  CallingConvention {
    arguments = List.copyOf(arguments);
    kept = List.copyOf(kept);
  }

  /** Returns the convention of the system that this JVM runs on. */
  static CallingConvention ofThisSystem() {
    String name = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    return name.startsWith("windows") ? WINDOWS : SYSTEM_V;
  }
}
