package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.FewRowsLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Weights in Q8_0 times four inputs at a time, as {@link FourInputsCode} multiplies them. */
final class FourInputs implements FewRowsLoops {

  private final MethodHandle round;
  private final MethodHandle multiply;

  /**
   * Makes the code, for a processor with AVX2.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FourInputs(Arena arena) {
    Assembler assembler = new Assembler();
    FourInputsCode code = new FourInputsCode(assembler, CallingConvention.ofThisSystem());
    int roundAt = code.round();
    int multiplyAt = code.multiply();
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    round = memory.function(roundAt, Calls.arguments("alall"));
    multiply = memory.function(multiplyAt, Calls.arguments("alllalllalla"));
  }

  @Override
  public int leastInputs() {
    return FourInputsCode.INPUTS;
  }

  @Override
  public boolean takes(Matrix w) {
    return w.dtype() == DType.Q8_0 && w.columns() > 0;
  }

  @Override
  public int roundedFloats(int k) {
    return Math.ceilDiv(k, RowMemory.GROUP) * FourInputsCode.ROUNDED_GROUP / Float.BYTES;
  }

  @Override
  public int scratch() {
    return FourInputsCode.SCRATCH / Float.BYTES;
  }

  @Override
  public void round(MemorySegment x, int xAt, int k, MemorySegment rounded, int roundedAt) {
    try {
      round.invokeExact(
          x,
          (long) Float.BYTES * xAt,
          rounded,
          (long) Float.BYTES * roundedAt,
          (long) k / RowMemory.GROUP);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }

  @Override
  public void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      int inputs,
      MemorySegment rounded,
      MemorySegment y,
      int yAt,
      MemorySegment scratch) {
    if (fromRow == toRow) {
      return;
    }
    long groups = w.columns() / RowMemory.GROUP;
    long apart = groups * FourInputsCode.ROUNDED_GROUP;
    long rowBytes = w.rowOffset(1);
    for (int i = 0; i < inputs; i += FourInputsCode.INPUTS) {
      // The last four may have been multiplied in part: they give the same results again.
      int first = Math.min(i, inputs - FourInputsCode.INPUTS);
      try {
        multiply.invokeExact(
            w.data(),
            rowBytes * fromRow,
            rowBytes,
            (long) toRow - fromRow,
            rounded,
            apart * first,
            apart,
            groups,
            y,
            Float.BYTES * ((long) yAt + (long) first * w.rows() + fromRow),
            (long) Float.BYTES * w.rows(),
            scratch);
      } catch (Throwable e) {
        throw Calls.failed(e);
      }
    }
  }
}
