package io.github.vlm4j.backend.cpu.emitted;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/** Products by the code of {@link Bf16Code}. */
final class DotProducts implements Bf16Products {

  private static final PanelLayout LAYOUT =
      new PanelLayout(
          Bf16Code.WIDTH, Bf16Code.LANES, Bf16Code.WIDTH, Bf16Code.LANES * Bf16Code.WIDTH, 1);

  private final MethodHandle[] multiply = new MethodHandle[Bf16Code.VECTORS];

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  DotProducts(Arena arena) {
    Assembler assembler = new Assembler();
    Bf16Code code = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int[] at = new int[multiply.length];
    Arrays.setAll(at, i -> code.multiply(i + 1));
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    Arrays.setAll(multiply, i -> memory.function(at[i], Calls.arguments("alaalallll")));
  }

  @Override
  public boolean spares() {
    return true;
  }

  @Override
  public int leastInputs() {
    return 9;
  }

  @Override
  public PanelLayout layout() {
    return LAYOUT;
  }

  @Override
  public int rows() {
    return Bf16Code.ROWS;
  }

  @Override
  public int mostRows() {
    return 32 * Bf16Code.ROWS;
  }

  @Override
  public int bandOutputs() {
    return LAYOUT.width();
  }

  @Override
  public void multiply(
      MemorySegment inputs,
      long inputsApart,
      int runs,
      long runsApart,
      MemorySegment panels,
      long panelsApart,
      MemorySegment first,
      long firstApart,
      long firstStep,
      MemorySegment sums,
      long sumsApart,
      int numbers,
      int rows,
      int outputs) {
    int width = LAYOUT.width();
    long runBytes = (long) Float.BYTES * LAYOUT.floats(numbers);
    for (int run = 0; run < runs; run++) {
      for (int from = 0; from < outputs; from += width) {
        int panel = from / width;
        MemorySegment panelSums = sums.asSlice((long) Float.BYTES * from);
        multiplyPanel(
            inputs.asSlice(runsApart * run),
            inputsApart,
            panels.asSlice(panelsApart * panel + runBytes * run),
            run == 0 ? first.asSlice(firstStep * panel) : panelSums,
            run == 0 ? firstApart : sumsApart,
            panelSums,
            sumsApart,
            Math.ceilDiv(numbers, 2),
            rows,
            Math.min(width, outputs - from));
      }
    }
  }

  private void multiplyPanel(
      MemorySegment inputs,
      long inputsApart,
      MemorySegment panel,
      MemorySegment first,
      long firstApart,
      MemorySegment sums,
      long sumsApart,
      long pairs,
      long rows,
      int outputs) {
    int vectors = Math.ceilDiv(outputs, Bf16Code.LANES);
    long lanes = Bf16Functions.lanes(outputs - Bf16Code.LANES * (vectors - 1));
    try {
      multiply[vectors - 1].invokeExact(
          inputs, inputsApart, panel, first, firstApart, sums, sumsApart, pairs, rows, lanes);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
