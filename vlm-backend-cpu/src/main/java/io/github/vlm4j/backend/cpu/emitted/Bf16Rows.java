package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Matrix times vector for bf16 weights in f32, as the Vector API does it but for the order. */
final class Bf16Rows implements RowLoops {

  private static final long STREAMS = Bf16RowCode.STREAMS;

  private final MethodHandle part;
  private final MethodHandle several;
  private final MethodHandle one;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Rows(Arena arena) {
    Assembler assembler = new Assembler();
    Bf16RowCode code = new Bf16RowCode(assembler, CallingConvention.ofThisSystem());
    int partAt = code.part();
    int severalAt = code.multiply(Bf16RowCode.STREAMS);
    int oneAt = code.multiply(1);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    part = memory.function(partAt, Calls.arguments("alal"));
    FunctionDescriptor rows = Calls.arguments("alllalall");
    several = memory.function(severalAt, rows);
    one = memory.function(oneAt, rows);
  }

  @Override
  public boolean takes(Matrix w) {
    return w.dtype() == DType.BF16 && w.columns() > 0 && w.columns() % Bf16RowCode.STEP == 0;
  }

  @Override
  public int scratch(int k) {
    return k;
  }

  @Override
  public int round(Matrix w, MemorySegment x, int xAt, MemorySegment scratch) {
    try {
      part.invokeExact(x, (long) Float.BYTES * xAt, scratch, w.rowOffset(1));
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
    return 0;
  }

  @Override
  public void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      MemorySegment scratch,
      int scratchAt,
      MemorySegment y,
      int yAt) {
    long half = w.rowOffset(1);
    long from = half * fromRow;
    long stream = (toRow - fromRow) / STREAMS;
    long left = (toRow - fromRow) % STREAMS;
    long to = (long) Float.BYTES * (yAt + fromRow);
    try {
      if (stream > 0) {
        several.invokeExact(
            w.data(), from, half * stream, stream, scratch, half, y, to, Float.BYTES * stream);
      }
      if (left > 0) {
        long behind = STREAMS * stream;
        one.invokeExact(
            w.data(),
            from + half * behind,
            0L,
            left,
            scratch,
            half,
            y,
            to + Float.BYTES * behind,
            0L);
      }
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
