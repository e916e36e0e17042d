package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Panels with {@link FloatCode}, whose sums are those of compiled Java to the last bit. */
final class FloatPanels implements PanelLoops {

  private final MethodHandle[] add = new MethodHandle[FloatCode.VECTORS];

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FloatPanels(Arena arena) {
    Assembler assembler = new Assembler();
    FloatCode code = new FloatCode(assembler, CallingConvention.ofThisSystem());
    int[] at = new int[add.length];
    Arrays.setAll(at, i -> code.multiplyEven(i + 1));
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    Arrays.setAll(add, i -> memory.function(at[i], Calls.arguments("alaalalllll")));
  }

  /** Returns whether kernels lay inputs out as panels of the width that this code reads. */
  static boolean fit(Kernels kernels) {
    return kernels.inputTile() == FloatCode.VECTORS * FloatCode.LANES
        && kernels.outputTile() == FloatCode.ROWS;
  }

  @Override
  public void add(
      float[] w,
      int wAt,
      int step,
      int rows,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] c,
      int cAt) {
    MemorySegment weights = Calls.slice(w, wAt, (rows - 1L) * step + k);
    MemorySegment panel = Calls.slice(x, xAt, (long) k * width);
    MemorySegment sums = Calls.slice(c, cAt, (long) rows * width);
    long apart = (long) Float.BYTES * width;
    long lanes = FloatCode.LANES;
    try {
      add[width / FloatCode.LANES - 1].invokeExact(
          weights,
          (long) Float.BYTES * step,
          panel,
          sums,
          apart,
          sums,
          apart,
          (long) k,
          (long) rows,
          lanes,
          0L);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
