package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Panels with {@link FloatCode}, whose sums are those of compiled Java to the last bit. */
final class FloatPanels implements PanelLoops {

  private final FloatTile tile;

  /** What sums of no products begin with. */
  private final MemorySegment zeros;

  private final MethodHandle[] add;
  private final MethodHandle soften;
  private final FloatTranspose transpose;

  /**
   * Makes the code.
   *
   * @param tile as wide as panels are
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FloatPanels(FloatTile tile, Arena arena) {
    this.tile = tile;
    this.zeros = MemorySegment.ofArray(new float[tile.width()]);
    this.add = new MethodHandle[tile.vectors()];
    Assembler assembler = new Assembler();
    FloatCode code = new FloatCode(assembler, CallingConvention.ofThisSystem(), tile);
    int[] at = new int[add.length];
    Arrays.setAll(at, i -> code.multiplyEven(i + 1));
    int softenAt = new FloatSoftmaxCode(assembler, CallingConvention.ofThisSystem(), tile).soften();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor descriptor = Calls.arguments("alaalallll");
    Arrays.setAll(add, i -> memory.function(at[i], descriptor));
    this.transpose = new FloatTranspose(arena);
    this.soften = memory.function(softenAt, Calls.arguments("alal"));
  }

  @Override
  public void multiply(
      float[] w, int wAt, int step, int rows, float[] x, int xAt, int k, float[] c, int cAt) {
    MemorySegment sums = Calls.slice(c, cAt, (long) rows * tile.width());
    call(w, wAt, step, rows, x, xAt, k, tile.width(), zeros, 0, sums);
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
    try {
      add[width / tile.lanes() - 1].invokeExact(
          weights,
          (long) Float.BYTES * step,
          panel,
          first,
          firstApart,
          sums,
          (long) Float.BYTES * width,
          (long) k,
          (long) rows,
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
    MemorySegment rows = Calls.slice(scores, at, (long) keys * tile.width());
    MemorySegment base = Calls.slice(results, resultsAt, (depth + 2L) * tile.width());
    try {
      soften.invokeExact(rows, (long) keys, base, (long) depth);
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
