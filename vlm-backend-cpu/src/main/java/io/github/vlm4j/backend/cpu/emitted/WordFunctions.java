package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** The functions of {@link WordCode}, ready to be called. Distances are in bytes. */
final class WordFunctions {

  private static final int VECTORS = WordCode.WIDTH / WordCode.LANES;

  private final CacheLines lines;
  private final MethodHandle[] multiply = new MethodHandle[VECTORS];
  private final MethodHandle[] multiplyPartial = new MethodHandle[VECTORS];
  private final MethodHandle round;
  private final MethodHandle roundBf16;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  WordFunctions(Arena arena) {
    Assembler assembler = new Assembler();
    WordCode code = new WordCode(assembler, CallingConvention.ofThisSystem());
    int[] multiplyAt = new int[VECTORS];
    int[] partialAt = new int[VECTORS];
    Arrays.setAll(multiplyAt, i -> code.multiply(i + 1, false));
    Arrays.setAll(partialAt, i -> code.multiply(i + 1, true));
    int roundAt = code.round();
    int roundBf16At = code.roundBf16();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor products = Calls.arguments("alaalallll");
    Arrays.setAll(multiply, i -> memory.function(multiplyAt[i], products));
    Arrays.setAll(multiplyPartial, i -> memory.function(partialAt[i], products));
    lines = new CacheLines(arena);
    round = memory.function(roundAt, Calls.arguments("alallllll"));
    roundBf16 = memory.function(roundBf16At, Calls.arguments("alallllll"));
  }

  /** Returns where lines of a cache begin in arrays. */
  CacheLines lines() {
    return lines;
  }

  /**
   * Calls {@link WordCode#multiply}.
   *
   * @param outputs the outputs of the panel, 1 to {@link WordCode#WIDTH}
   */
  void multiply(
      MemorySegment inputs,
      long apart,
      MemorySegment panel,
      MemorySegment first,
      long firstApart,
      MemorySegment sums,
      long sumsApart,
      long blocks,
      long rows,
      int outputs) {
    int vectors = Math.ceilDiv(outputs, WordCode.LANES);
    long lanes = outputs - (long) WordCode.LANES * (vectors - 1);
    MethodHandle function = (lanes < WordCode.LANES ? multiplyPartial : multiply)[vectors - 1];
    try {
      function.invokeExact(
          inputs, apart, panel, first, firstApart, sums, sumsApart, blocks, rows, lanes);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /**
   * Calls {@link WordCode#round}.
   *
   * @param greatest what the greatest number of a block becomes
   */
  void round(
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      long blocksApart,
      int columns,
      long rows,
      int greatest) {
    long blocks = Math.ceilDiv(columns, WordCode.BLOCK);
    long last = columns - WordCode.BLOCK * (blocks - 1);
    try {
      round.invokeExact(x, apart, to, toApart, blocksApart, blocks, last, rows, bits(greatest));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  /** Calls {@link WordCode#roundBf16} for rows of whole blocks. */
  void roundBf16(
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      long blocksApart,
      int columns,
      long rows,
      int greatest) {
    long blocks = columns / WordCode.BLOCK;
    long last = WordCode.BLOCK;
    try {
      roundBf16.invokeExact(x, apart, to, toApart, blocksApart, blocks, last, rows, bits(greatest));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  private static long bits(float x) {
    return Float.floatToRawIntBits(x);
  }
}
