package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@link Bf16Code}, ready to be called, for numbers of one part or of several.
 * Distances are in bytes.
 */
final class Bf16Functions {

  /** The arguments of {@link Bf16Code#round}. */
  static final FunctionDescriptor ROUND = Calls.arguments("alallll");

  /** The arguments of {@link Bf16Code#pack}. */
  static final FunctionDescriptor PACK = Calls.arguments("alall");

  private final PanelLayout layout;
  private final CacheLines lines;
  private final MethodHandle round;
  private final MethodHandle pack;

  /**
   * Makes the code.
   *
   * @param layout how panels lie, and of how many parts numbers are
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Functions(PanelLayout layout, Arena arena) {
    this.layout = layout;
    Assembler assembler = new Assembler();
    Bf16Code products = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int roundAt = products.round(DType.F32, layout.parts());
    int packAt = products.pack(layout);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    lines = new CacheLines(arena);
    round = memory.function(roundAt, ROUND);
    pack = memory.function(packAt, PACK);
  }

  /** Returns a mask of some lanes, less than 64. */
  static long lanes(long count) {
    return (1L << count) - 1;
  }

  /** Returns where lines of a cache begin in arrays. */
  CacheLines lines() {
    return lines;
  }

  /** Returns how panels lie. */
  PanelLayout layout() {
    return layout;
  }

  /** Calls {@link Bf16Code#round} for rows of some numbers. */
  void round(MemorySegment x, long apart, MemorySegment to, long toApart, int columns, long rows) {
    round(round, x, apart, to, toApart, columns, rows);
  }

  /** Calls a function whose arguments are those of {@link Bf16Code#round}. */
  static void round(
      MethodHandle function,
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      int columns,
      long rows) {
    long blocks = Math.ceilDiv(columns, PanelLayout.BLOCK);
    long numbers = lanes(columns - PanelLayout.BLOCK * (blocks - 1));
    try {
      function.invokeExact(x, apart, to, toApart, blocks, numbers, rows);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /**
   * Calls {@link Bf16Code#pack} for rows of some weights, all of their parts.
   *
   * @param weights rows in bf16; of two parts they are as {@link #round} leaves them
   * @param to where the group of outputs begins
   */
  void pack(MemorySegment weights, long apart, int columns, float[] to, int toAt) {
    for (int part = 0; part < layout.parts(); part++) {
      MemorySegment group =
          Calls.slice(to, toAt + part * layout.part(), layout.groupFloats(columns));
      long skipped = (long) Short.BYTES * PanelLayout.BLOCK * part;
      pack(pack, weights.asSlice(skipped), apart, columns, group);
    }
  }

  /** Calls a function whose arguments are those of {@link Bf16Code#pack}. */
  static void pack(
      MethodHandle function, MemorySegment weights, long apart, int columns, MemorySegment group) {
    long blocks = Math.ceilDiv(columns, PanelLayout.BLOCK);
    long lanes = lanes(columns - PanelLayout.BLOCK * (blocks - 1));
    try {
      function.invokeExact(weights, apart, group, blocks, lanes);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
