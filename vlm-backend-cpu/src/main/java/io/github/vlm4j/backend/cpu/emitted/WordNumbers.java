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

  private static final int WIDTH = BlockProductCode.WIDTH;
  private static final long BLOCK_BYTES = (long) Float.BYTES * WordCode.ROW_FLOATS;

  private final Kernels decoder;
  private final FloatTranspose transpose;
  private final BlockPanelFunctions panels;
  private final BlockProducts products;
  private final MethodHandle round;

  /**
   * Makes the code.
   *
   * @param decoder what decodes weights that no emitted code is for
   * @param transpose what lays those out
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  WordNumbers(Kernels decoder, FloatTranspose transpose, Arena arena) {
    Assembler assembler = new Assembler();
    WordCode code = new WordCode(assembler, CallingConvention.ofThisSystem());
    this.decoder = decoder;
    this.transpose = transpose;
    this.panels = new BlockPanelFunctions(WordBlockCode::new, arena);
    this.products = new BlockProducts(assembler, code);
    int roundAt = code.round();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    products.ready(memory);
    round = memory.function(roundAt, ROUND);
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
    round(x, apart, to, toApart, blocksApart, columns, rows, WordCode.GREATEST_INPUT);
  }

  @Override
  public int scratch(int columns) {
    int decoded = Math.addExact(Math.multiplyExact(WIDTH, rowFloats(columns)), columns);
    return Math.max(BlockPanelCode.MOST_BEHIND + panels.staging(), decoded);
  }

  private static int rowFloats(int columns) {
    return Math.multiplyExact(Math.ceilDiv(columns, WordCode.BLOCK), WordCode.ROW_FLOATS);
  }

  @Override
  public void layOut(
      Matrix w, int row, int rows, float[] packed, int panelAt, int apart, int scratchAt) {
    if (panels.takes(w)) {
      int stagingAt = scratchAt + BlockPanelCode.MOST_BEHIND;
      panels.layOut(w, row, rows, packed, panelAt, apart, stagingAt);
      return;
    }
    int floats = rowFloats(w.columns());
    for (int done = 0; done < rows; done += WIDTH) {
      for (int i = 0; i < Math.min(WIDTH, rows - done); i++) {
        int decodedAt = scratchAt + WIDTH * floats;
        decoder.decodeRow(w, row + done + i, packed, decodedAt);
        round(
            Calls.slice(packed, decodedAt, w.columns()),
            0,
            Calls.slice(packed, scratchAt + (long) i * floats, floats),
            0,
            BLOCK_BYTES,
            w.columns(),
            1,
            WordCode.GREATEST_WEIGHT);
      }
      int to = panelAt + done / WIDTH * apart;
      transpose.transpose(packed, scratchAt, floats, WIDTH, floats, packed, to, WIDTH);
    }
  }

  /**
   * Calls {@link WordCode#round}.
   *
   * @param greatest what the greatest number of a block becomes
   */
  private void round(
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
      round.invokeExact(x, apart, to, toApart, blocksApart, blocks, last, rows, bits);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public BlockProducts products() {
    return products;
  }
}
