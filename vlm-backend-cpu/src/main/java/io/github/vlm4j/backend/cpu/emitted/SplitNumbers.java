package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Inputs and weights in f16 as sums of two in bf16: the number rounded and what is left of it,
 * rounded. f16 is such a sum exactly, f32 but for 2⁻¹⁸ of itself. Three products then stand for one
 * and leave that of the low parts out, so that each is off by less than 2⁻¹⁶ of itself (Henry, Tang
 * and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype for Higher-Precision
 * Computations", 2019). Of an input that is infinite, or would be when rounded to bf16, nothing is
 * left that is a number.
 *
 * <p>Weights in f32 are not multiplied so: results were off by 1e-5 of themselves, which is more
 * than who keeps 32 bits may expect, and with a third part, which is exact, products of tiles were
 * no faster than those of f32.
 */
final class SplitNumbers implements Bf16Numbers {

  /** The type of weights that are multiplied so. */
  static final DType WEIGHTS = DType.F16;

  private static final int LANES = PanelLayout.LANES;

  private final Bf16Functions functions;
  private final MethodHandle splitHalves;
  private final MethodHandle packHalves;

  /**
   * Makes the code for weights.
   *
   * @param functions for numbers of two parts
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  SplitNumbers(Bf16Functions functions, Arena arena) {
    this.functions = functions;
    Assembler assembler = new Assembler();
    Bf16Code code = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int splitHalvesAt = code.split(WEIGHTS);
    int packHalvesAt = code.packHalves(functions.layout());
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    splitHalves = memory.function(splitHalvesAt, Bf16Functions.ROUND);
    packHalves = memory.function(packHalvesAt, Bf16Functions.PACK);
  }

  @Override
  public boolean takes(DType weights) {
    return weights == WEIGHTS;
  }

  @Override
  public void pack(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int columns = w.columns();
    long rowBytes = w.dtype().bytes(columns);
    MemorySegment stored = w.data().asSlice(w.rowOffset(row), rows * rowBytes);
    if (rows == LANES) {
      PanelLayout layout = functions.layout();
      int floats = layout.groupFloats(columns) + (layout.parts() - 1) * layout.part();
      MemorySegment group = Calls.slice(packed, packedAt, floats);
      Bf16Functions.pack(packHalves, stored, rowBytes, columns, group);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    int apart = functions.layout().parts() * PanelLayout.wholeBlocks(columns) / 2;
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * apart);
    long apartBytes = (long) Float.BYTES * apart;
    Bf16Functions.round(splitHalves, stored, rowBytes, staging, apartBytes, columns, rows);
    functions.pack(staging, apartBytes, columns, packed, packedAt);
  }
}
