package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Panels with {@link FloatCode}, whose sums are those of compiled Java to the last bit. */
final class FloatPanels implements PanelLoops {

  private static final int WIDTH = FloatCode.VECTORS * FloatCode.LANES;

  /** What sums of no products begin with. */
  private static final MemorySegment ZEROS = MemorySegment.ofArray(new float[WIDTH]);

  private final MethodHandle[] add = new MethodHandle[FloatCode.VECTORS];
  private final MethodHandle soften;
  private final FloatTranspose transpose;

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
    int softenAt = new FloatSoftmaxCode(assembler, CallingConvention.ofThisSystem()).soften();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor descriptor = Calls.arguments("alaalalllll");
    Arrays.setAll(add, i -> memory.function(at[i], descriptor));
    this.transpose = new FloatTranspose(arena);
    this.soften = memory.function(softenAt, Calls.arguments("alal"));
  }

  /** Returns whether kernels lay inputs out as panels of the width that this code reads. */
  static boolean fit(Kernels kernels) {
    return kernels.inputTile() == WIDTH && kernels.outputTile() == FloatCode.ROWS;
  }

  @Override
  public void multiply(
      float[] w, int wAt, int step, int rows, float[] x, int xAt, int k, float[] c, int cAt) {
    MemorySegment sums = Calls.slice(c, cAt, (long) rows * WIDTH);
    call(w, wAt, step, rows, x, xAt, k, WIDTH, ZEROS, 0, sums);
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
    MemorySegment sums = Calls.slice(c, cAt, (long) rows * width);
    call(w, wAt, step, rows, x, xAt, k, width, sums, (long) Float.BYTES * width, sums);
  }

  private void call(
      float[] w,
      int wAt,
      int step,
      int rows,
      float[] x,
      int xAt,
      int k,
      int width,
      MemorySegment first,
      long firstApart,
      MemorySegment sums) {
    MemorySegment weights = Calls.slice(w, wAt, (rows - 1L) * step + k);
    MemorySegment panel = Calls.slice(x, xAt, (long) k * width);
    long lanes = FloatCode.LANES;
    try {
      add[width / FloatCode.LANES - 1].invokeExact(
          weights,
          (long) Float.BYTES * step,
          panel,
          first,
          firstApart,
          sums,
          (long) Float.BYTES * width,
          (long) k,
          (long) rows,
          lanes,
          0L);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public void soften(int keys, float[] scores, int at, float[] results, int resultsAt, int depth) {
    if (keys < 1 || depth < 1) {
      throw new IllegalArgumentException("A softmax of " + keys + " keys, " + depth + " results");
    }
    MemorySegment tile = Calls.slice(scores, at, (long) keys * WIDTH);
    MemorySegment base = Calls.slice(results, resultsAt, (depth + 2L) * WIDTH);
    try {
      soften.invokeExact(tile, (long) keys, base, (long) depth);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep) {
    transpose.transpose(x, xAt, xStep, rows, columns, y, yAt, yStep);
  }
}
