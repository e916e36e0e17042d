package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Inputs rounded to 255 steps from minus to plus the greatest of each {@value NibbleCode#BLOCK},
 * and weights of four bits as they are.
 */
final class NibbleNumbers implements BlockNumbers {

  /** With fewer, laying weights out takes as long as multiplying the inputs one by one. */
  private static final int LEAST = 5;

  private final BlockPanelFunctions panels;
  private final BlockProducts products;
  private final MethodHandle round;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  NibbleNumbers(Arena arena) {
    Assembler assembler = new Assembler();
    NibbleCode code = new NibbleCode(assembler, CallingConvention.ofThisSystem());
    this.panels = new BlockPanelFunctions(NibbleBlockCode::new, arena);
    this.products = new BlockProducts(assembler, code);
    int roundAt = code.round();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    products.ready(memory);
    round = memory.function(roundAt, Calls.arguments("alallll"));
  }

  @Override
  public int size() {
    return NibbleCode.BLOCK;
  }

  @Override
  public int floats() {
    return NibbleCode.ROW_FLOATS;
  }

  @Override
  public boolean takes(DType weights) {
    return panels.takes(weights);
  }

  @Override
  public int leastInputs(DType weights) {
    return LEAST;
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
    long blocks = columns / NibbleCode.BLOCK;
    long count = rows;
    try {
      round.invokeExact(x, apart, to, toApart, blocksApart, blocks, count);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public int scratch(int columns) {
    return BlockPanelCode.MOST_BEHIND + panels.staging();
  }

  @Override
  public void layOut(
      Matrix w, int row, int rows, float[] packed, int panelAt, int apart, int scratchAt) {
    int stagingAt = scratchAt + BlockPanelCode.MOST_BEHIND;
    panels.layOut(w, row, rows, packed, panelAt, apart, stagingAt);
  }

  @Override
  public BlockProducts products() {
    return products;
  }
}
