package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Inputs and weights as sums of numbers in bf16: the number rounded, and each time what is left of
 * it, rounded (Henry, Tang and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype
 * for Higher-Precision Computations", 2019). Of an input that is infinite, or would be when rounded
 * to bf16, nothing is left that is a number.
 *
 * <p>Beside weights in f16 both are sums of two, which f16 is exactly and f32 but for 2⁻¹⁸ of
 * itself. Three products then stand for one and leave that of the low parts out, so that each is
 * off by less than 2⁻¹⁶ of itself. Beside weights in f32 both are sums of three, which f32 is
 * exactly: six products leave less than 2⁻²⁴ of one out, which is what f32 itself rounds off.
 */
final class SplitNumbers implements Bf16Numbers {

  private static final int LANES = PanelLayout.LANES;

  private final DType weights;
  private final Bf16Functions functions;
  private final MethodHandle split;
  private final MethodHandle packParts;

  /**
   * Makes the code for weights.
   *
   * @param weights what they are stored as
   * @param functions for numbers of as many {@link #parts}
   * @param arena how long the code lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  SplitNumbers(DType weights, Bf16Functions functions, Arena arena) {
    this.weights = weights;
    this.functions = functions;
    Assembler assembler = new Assembler();
    Bf16Code code = new Bf16Code(assembler, CallingConvention.ofThisSystem());
    int splitAt = code.round(weights, parts(weights));
    int packPartsAt = code.packParts(functions.layout(), weights);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    split = memory.function(splitAt, Bf16Functions.ROUND);
    packParts = memory.function(packPartsAt, Bf16Functions.PACK);
  }

  /** Returns the numbers that stand for one beside weights of a type; 1 if they are not split. */
  static int parts(DType weights) {
    return switch (weights) {
      case F16 -> 2;
      case F32 -> 3;
      default -> 1;
    };
  }

  @Override
  public boolean takes(DType weights) {
    return weights == this.weights;
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
      Bf16Functions.pack(packParts, stored, rowBytes, columns, group);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    int apart = functions.layout().parts() * PanelLayout.wholeBlocks(columns) / 2;
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * apart);
    long apartBytes = (long) Float.BYTES * apart;
    Bf16Functions.round(split, stored, rowBytes, staging, apartBytes, columns, rows);
    functions.pack(staging, apartBytes, columns, packed, packedAt);
  }
}
