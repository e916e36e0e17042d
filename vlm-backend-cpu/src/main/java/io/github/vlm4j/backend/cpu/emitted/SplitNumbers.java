package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Numbers as sums of three in bf16, which together have the 24 bits of an f32: the number rounded,
 * what is left of it, rounded, and what is left then. Of the nine products of two such sums the
 * three smallest are left out, which are less than 2⁻²⁴ of the whole (Henry, Tang and Heinecke,
 * "Leveraging the bfloat16 Artificial Intelligence Datatype for Higher-Precision Computations",
 * 2019). Of a number that is infinite, or would be when rounded to bf16, nothing is left that is a
 * number.
 */
final class SplitNumbers implements Bf16Numbers {

  /** The numbers that stand for one. */
  static final int PARTS = 3;

  private static final int LANES = PanelLayout.LANES;

  private final PanelLayout layout;
  private final CacheLines lines;
  private final MethodHandle splitFloats;
  private final MethodHandle splitHalves;
  private final MethodHandle packParts;
  private final MethodHandle packFloats;
  private final MethodHandle packHalves;

  /**
   * Makes the code.
   *
   * @param layout how panels lie, of as many parts
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  SplitNumbers(PanelLayout layout, Arena arena) {
    this.layout = layout;
    this.lines = new CacheLines(arena);
    Assembler assembler = new Assembler();
    Bf16Code code = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int splitFloatsAt = code.split(DType.F32);
    int splitHalvesAt = code.split(DType.F16);
    int packPartsAt = code.pack(layout);
    int packFloatsAt = code.packParts(layout, DType.F32);
    int packHalvesAt = code.packParts(layout, DType.F16);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    splitFloats = memory.function(splitFloatsAt, Bf16Functions.ROUND);
    splitHalves = memory.function(splitHalvesAt, Bf16Functions.ROUND);
    packParts = memory.function(packPartsAt, Bf16Functions.PACK);
    packFloats = memory.function(packFloatsAt, Bf16Functions.PACK);
    packHalves = memory.function(packHalvesAt, Bf16Functions.PACK);
  }

  /** Returns whether weights of a type are split. */
  static boolean knows(DType weights) {
    return weights == DType.F32 || weights == DType.F16;
  }

  @Override
  public boolean takes(DType weights) {
    return knows(weights);
  }

  @Override
  public CacheLines lines() {
    return lines;
  }

  @Override
  public void round(
      MemorySegment x, long apart, MemorySegment to, long toApart, int columns, long rows) {
    Bf16Functions.round(splitFloats, x, apart, to, toApart, columns, rows);
  }

  @Override
  public void pack(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int columns = w.columns();
    long rowBytes = w.dtype().bytes(columns);
    boolean floats = w.dtype() == DType.F32;
    MemorySegment stored = w.data().asSlice(w.rowOffset(row), rows * rowBytes);
    MemorySegment group =
        Calls.slice(packed, packedAt, layout.groupFloats(columns) + (PARTS - 1L) * layout.part());
    if (rows == LANES) {
      Bf16Functions.pack(floats ? packFloats : packHalves, stored, rowBytes, columns, group);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    int apart = PARTS * PanelLayout.wholeBlocks(columns) / 2;
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * apart);
    long apartBytes = (long) Float.BYTES * apart;
    MethodHandle split = floats ? splitFloats : splitHalves;
    Bf16Functions.round(split, stored, rowBytes, staging, apartBytes, columns, rows);
    for (int part = 0; part < PARTS; part++) {
      Bf16Functions.pack(
          packParts,
          staging.asSlice((long) Short.BYTES * PanelLayout.BLOCK * part),
          apartBytes,
          columns,
          group.asSlice((long) Float.BYTES * layout.part() * part));
    }
  }
}
