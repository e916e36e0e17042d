package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** The functions of {@link BlockProductCode}, ready to be called. */
final class BlockProducts {

  private static final FunctionDescriptor MULTIPLY = Calls.arguments("alalallalllll");
  private static final int VECTORS = BlockProductCode.WIDTH / BlockProductCode.LANES;

  private final int[] multiplyAt = new int[VECTORS];
  private final int[] partialAt = new int[VECTORS];
  private final MethodHandle[] multiply = new MethodHandle[VECTORS];
  private final MethodHandle[] multiplyPartial = new MethodHandle[VECTORS];

  /** Writes the code, which {@link #ready} makes callable. */
  BlockProducts(Assembler assembler, BlockProductCode.Block block) {
    BlockProductCode code =
        new BlockProductCode(assembler, CallingConvention.ofThisSystem(), block);
    Arrays.setAll(multiplyAt, i -> code.multiply(i + 1, false));
    Arrays.setAll(partialAt, i -> code.multiply(i + 1, true));
  }

  /** Takes up the memory that now holds what was written. */
  void ready(ExecutableMemory memory) {
    Arrays.setAll(multiply, i -> memory.function(multiplyAt[i], MULTIPLY));
    Arrays.setAll(multiplyPartial, i -> memory.function(partialAt[i], MULTIPLY));
  }

  /**
   * Calls {@link BlockProductCode#multiply}. Distances are in bytes.
   *
   * @param outputs the outputs: whole panels, or those of a single one
   */
  void multiply(
      MemorySegment inputs,
      long apart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstPanelsApart,
      MemorySegment sums,
      long sumsApart,
      long blocks,
      long rows,
      int outputs) {
    long count = Math.ceilDiv(outputs, BlockProductCode.WIDTH);
    int last = outputs - BlockProductCode.WIDTH * (int) (count - 1);
    int vectors = Math.ceilDiv(last, BlockProductCode.LANES);
    long lanes = last - (long) BlockProductCode.LANES * (vectors - 1);
    MethodHandle function =
        (lanes < BlockProductCode.LANES ? multiplyPartial : multiply)[vectors - 1];
    try {
      function.invokeExact(
          inputs,
          apart,
          panels,
          panelsApart,
          first,
          firstApart,
          firstPanelsApart,
          sums,
          sumsApart,
          blocks,
          rows,
          count,
          lanes);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
