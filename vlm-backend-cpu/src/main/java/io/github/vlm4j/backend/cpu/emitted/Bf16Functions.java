package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@link Bf16Code} and {@link Bf16AttentionCode}, ready to be called, for numbers
 * of one part or of two. Distances are in bytes.
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
  private final MethodHandle soften;
  private final MethodHandle divide;
  private final MethodHandle interleave;

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
    CallingConvention convention = CallingConvention.ofThisSystem();
    Bf16Code products = new Bf16Code(assembler, convention);
    Bf16AttentionCode attention = new Bf16AttentionCode(assembler, convention, layout);
    int roundAt = layout.parts() == 1 ? products.round() : products.split(DType.F32);
    int packAt = products.pack(layout);
    int softenAt = attention.soften();
    int divideAt = attention.divide();
    int interleaveAt = attention.interleave();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    lines = new CacheLines(arena);
    round = memory.function(roundAt, ROUND);
    pack = memory.function(packAt, PACK);
    soften = memory.function(softenAt, Calls.arguments("alallaaallll"));
    divide = memory.function(divideAt, Calls.arguments("alaallll"));
    interleave = memory.function(interleaveAt, Calls.arguments("aalalll"));
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

  /** Calls {@link Bf16Code#round} or {@link Bf16Code#split} for rows of some numbers. */
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

  /** Calls {@link Bf16AttentionCode#soften}. */
  void soften(
      MemorySegment scores,
      long scoresApart,
      MemorySegment to,
      long toApart,
      long twos,
      MemorySegment maxima,
      MemorySegment sums,
      MemorySegment results,
      long resultsApart,
      long vectors,
      long rows,
      float factor) {
    long bits = Integer.toUnsignedLong(Float.floatToRawIntBits(factor));
    try {
      soften.invokeExact(
          scores,
          scoresApart,
          to,
          toApart,
          twos,
          maxima,
          sums,
          results,
          resultsApart,
          vectors,
          rows,
          bits);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Calls {@link Bf16AttentionCode#divide} for rows of some results. */
  void divide(
      MemorySegment results,
      long apart,
      MemorySegment sums,
      MemorySegment to,
      long toApart,
      int columns,
      long rows) {
    long vectors = Math.ceilDiv(columns, PanelLayout.LANES);
    long lanes = lanes(columns - PanelLayout.LANES * (vectors - 1));
    try {
      divide.invokeExact(results, apart, sums, to, toApart, vectors, lanes, rows);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Calls {@link Bf16AttentionCode#interleave} for some lanes. */
  void interleave(
      MemorySegment even,
      MemorySegment odd,
      long apart,
      MemorySegment to,
      long toApart,
      long twos,
      int lanes) {
    try {
      interleave.invokeExact(even, odd, apart, to, toApart, twos, lanes(lanes));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
