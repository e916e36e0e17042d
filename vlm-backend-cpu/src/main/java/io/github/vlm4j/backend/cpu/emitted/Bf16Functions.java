package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * The functions of {@link Bf16Code} and {@link Bf16AttentionCode}, ready to be called. Distances
 * are in bytes.
 */
final class Bf16Functions {

  private final MethodHandle[] multiply = new MethodHandle[Bf16Code.VECTORS];
  private final MethodHandle round;
  private final MethodHandle pack;
  private final MethodHandle soften;
  private final MethodHandle interleave;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Functions(Arena arena) {
    Assembler assembler = new Assembler();
    CallingConvention convention = CallingConvention.ofThisSystem();
    Bf16Code products = new Bf16Code(assembler, convention);
    Bf16AttentionCode attention = new Bf16AttentionCode(assembler, convention);
    int[] multiplyAt = new int[multiply.length];
    Arrays.setAll(multiplyAt, i -> products.multiply(i + 1));
    int roundAt = products.round();
    int packAt = products.pack();
    int softenAt = attention.soften();
    int interleaveAt = attention.interleave();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor multiplies = arguments("aaaalallll");
    Arrays.setAll(multiply, i -> memory.function(multiplyAt[i], multiplies));
    round = memory.function(roundAt, arguments("alallll"));
    pack = memory.function(packAt, arguments("alall"));
    soften = memory.function(softenAt, arguments("alallaaallll"));
    interleave = memory.function(interleaveAt, arguments("aalalll"));
  }

  /** Describes a function by a letter for each argument: an address or a whole number. */
  private static FunctionDescriptor arguments(String letters) {
    return FunctionDescriptor.ofVoid(
        letters
            .chars()
            .mapToObj(letter -> letter == 'a' ? ADDRESS : JAVA_LONG)
            .toArray(MemoryLayout[]::new));
  }

  /** Returns a mask of some lanes, less than 64. */
  static long lanes(long count) {
    return (1L << count) - 1;
  }

  /**
   * Calls {@link Bf16Code#multiply}.
   *
   * @param outputs the outputs of the panel, 1 to {@link Bf16Code#WIDTH}
   */
  void multiply(
      MemorySegment inputs,
      MemorySegment starts,
      MemorySegment panel,
      MemorySegment first,
      long firstApart,
      MemorySegment sums,
      long sumsApart,
      long pairs,
      long rows,
      int outputs) {
    int vectors = Math.ceilDiv(outputs, Bf16Code.LANES);
    long lanes = lanes(outputs - Bf16Code.LANES * (vectors - 1));
    try {
      multiply[vectors - 1].invokeExact(
          inputs, starts, panel, first, firstApart, sums, sumsApart, pairs, rows, lanes);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Calls {@link Bf16Code#round} for rows of some numbers. */
  void round(MemorySegment x, long apart, MemorySegment to, long toApart, int columns, long rows) {
    long vectors = Math.ceilDiv(columns, Bf16Code.LANES);
    long lanes = lanes(columns - Bf16Code.LANES * (vectors - 1));
    try {
      round.invokeExact(x, apart, to, toApart, vectors, lanes, rows);
    } catch (Throwable e) {
      throw failed(e);
    }
  }

  /** Calls {@link Bf16Code#pack} for rows of some weights. */
  void pack(MemorySegment weights, long apart, int columns, MemorySegment to) {
    long blocks = Math.ceilDiv(columns, 2 * Bf16Code.LANES);
    long lanes = lanes(columns - 2 * Bf16Code.LANES * (blocks - 1));
    try {
      pack.invokeExact(weights, apart, to, blocks, lanes);
    } catch (Throwable e) {
      throw failed(e);
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
      throw failed(e);
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
      throw failed(e);
    }
  }

  /** Returns what a call that cannot throw anything of its own ended with. */
  static RuntimeException failed(Throwable e) {
    return e instanceof RuntimeException known ? known : new IllegalStateException(e);
  }
}
