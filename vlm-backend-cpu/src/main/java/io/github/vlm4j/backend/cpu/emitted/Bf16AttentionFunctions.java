package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@link Bf16AttentionCode}, ready to be called, for numbers of one part or of
 * two. Distances are in bytes.
 */
final class Bf16AttentionFunctions {

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
  Bf16AttentionFunctions(PanelLayout layout, Arena arena) {
    Assembler assembler = new Assembler();
    Bf16AttentionCode attention =
        new Bf16AttentionCode(assembler, CallingConvention.ofThisSystem(), layout);
    int softenAt = attention.soften();
    int divideAt = attention.divide();
    int interleaveAt = attention.interleave();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    soften = memory.function(softenAt, Calls.arguments("alallaaallll"));
    divide = memory.function(divideAt, Calls.arguments("alaallll"));
    interleave = memory.function(interleaveAt, Calls.arguments("aalalll"));
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
    long lanes = Bf16Functions.lanes(columns - PanelLayout.LANES * (vectors - 1));
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
      interleave.invokeExact(even, odd, apart, to, toApart, twos, Bf16Functions.lanes(lanes));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
