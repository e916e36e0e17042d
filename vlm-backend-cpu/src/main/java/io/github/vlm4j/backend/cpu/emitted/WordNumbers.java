package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Inputs, and weights in bf16 or quantised ones, as whole numbers of 16 bits. Of each {@value
 * WordCode#BLOCK} inputs the greatest is {@value WordCode#GREATEST_INPUT} steps from zero, of as
 * many weights the greatest {@value WordCode#GREATEST_WEIGHT}, and all others are rounded to such
 * steps: finer than bf16 for all but what is far below the greatest.
 */
final class WordNumbers implements BlockNumbers {

  private static final FunctionDescriptor ROUND = Calls.arguments("alallllll");

  /** Fewer inputs are multiplied sooner one by one, by emitted code. */
  private static final int LEAST = 9;

  private static final int LEAST_SIX_BITS = 6;

  /** Fewer are multiplied sooner by {@link FourInputs}. */
  private static final int LEAST_EIGHT_BITS = 16;

  /** Others are decoded by compiled Java, which takes longer. */
  private static final int LEAST_DECODED = 25;

  private static final long BLOCK_BYTES = (long) Float.BYTES * WordCode.ROW_FLOATS;

  private final Kernels decoder;
  private final BlockRowFunctions blockRows;
  private final BlockProducts products;
  private final MethodHandle round;
  private final MethodHandle roundBf16;

  /**
   * Makes the code.
   *
   * @param decoder what decodes weights that no emitted code is for
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  WordNumbers(Kernels decoder, Arena arena) {
    Assembler assembler = new Assembler();
    WordCode code = new WordCode(assembler, CallingConvention.ofThisSystem());
    this.decoder = decoder;
    this.blockRows = new BlockRowFunctions(WordBlockCode::new, arena);
    this.products = new BlockProducts(assembler, code);
    int roundAt = code.round();
    int roundBf16At = code.roundBf16();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    products.ready(memory);
    round = memory.function(roundAt, ROUND);
    roundBf16 = memory.function(roundBf16At, ROUND);
  }

  @Override
  public int size() {
    return WordCode.BLOCK;
  }

  @Override
  public int floats() {
    return WordCode.ROW_FLOATS;
  }

  @Override
  public boolean takes(DType weights) {
    return weights == DType.BF16 || weights.isQuantised();
  }

  @Override
  public int leastInputs(DType weights) {
    return switch (weights) {
      case BF16 -> LEAST;
      case Q6_K -> LEAST_SIX_BITS;
      case Q8_0 -> LEAST_EIGHT_BITS;
      default -> LEAST_DECODED;
    };
  }

  @Override
  public void roundInputs(
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      long blocksApart,
      int columns,
      int rows) {
    round(round, x, apart, to, toApart, blocksApart, columns, rows, WordCode.GREATEST_INPUT);
  }

  @Override
  public int scratch(int columns) {
    return columns;
  }

  @Override
  public void roundWeights(Matrix w, int row, int rows, float[] to, int toAt, int scratchAt) {
    int columns = w.columns();
    int apart = Math.ceilDiv(columns, WordCode.BLOCK) * WordCode.ROW_FLOATS;
    MemorySegment blocks = Calls.slice(to, toAt, (long) rows * apart);
    long toApart = (long) Float.BYTES * apart;
    if (w.dtype() == DType.BF16 && columns % WordCode.BLOCK == 0) {
      long bytes = w.rowOffset(1);
      MemorySegment stored = w.data().asSlice(w.rowOffset(row), rows * bytes);
      roundWeights(roundBf16, stored, bytes, blocks, toApart, columns, rows);
    } else if (blockRows.takes(w)) {
      blockRows.decode(w, row, rows, blocks, toApart);
    } else {
      MemorySegment decoded = Calls.slice(to, scratchAt, columns);
      for (int i = 0; i < rows; i++) {
        decoder.decodeRow(w, row + i, to, scratchAt);
        roundWeights(round, decoded, 0, blocks.asSlice(i * toApart), 0, columns, 1);
      }
    }
  }

  private static void roundWeights(
      MethodHandle function,
      MemorySegment rows,
      long apart,
      MemorySegment to,
      long toApart,
      int columns,
      int count) {
    int greatest = WordCode.GREATEST_WEIGHT;
    round(function, rows, apart, to, toApart, BLOCK_BYTES, columns, count, greatest);
  }

  /**
   * Calls {@link WordCode#round} or {@link WordCode#roundBf16}.
   *
   * @param greatest what the greatest number of a block becomes
   */
  private static void round(
      MethodHandle function,
      MemorySegment x,
      long apart,
      MemorySegment to,
      long toApart,
      long blocksApart,
      int columns,
      long rows,
      float greatest) {
    long blocks = Math.ceilDiv(columns, WordCode.BLOCK);
    long last = columns - WordCode.BLOCK * (blocks - 1);
    long bits = Float.floatToRawIntBits(greatest);
    try {
      function.invokeExact(x, apart, to, toApart, blocksApart, blocks, last, rows, bits);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public BlockProducts products() {
    return products;
  }
}
