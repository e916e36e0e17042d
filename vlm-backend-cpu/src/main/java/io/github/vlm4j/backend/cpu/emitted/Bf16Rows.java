package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Matrix times vector for bf16 weights, in f32, in an order that depends on the shapes alone. */
final class Bf16Rows implements RowLoops {

  private final MethodHandle multiply;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  Bf16Rows(Arena arena) {
    Assembler assembler = new Assembler();
    int at = new Bf16RowCode(assembler, CallingConvention.ofThisSystem()).multiply();
    multiply =
        ExecutableMemory.of(assembler.code(), arena)
            .function(
                at,
                FunctionDescriptor.ofVoid(
                    ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG,
                    ADDRESS, JAVA_LONG));
  }

  @Override
  public boolean takes(Matrix w) {
    return w.dtype() == DType.BF16 && w.columns() > 0 && w.columns() % Bf16RowCode.GROUP == 0;
  }

  @Override
  public int scratch(int k) {
    return 0;
  }

  @Override
  public void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      MemorySegment x,
      int xAt,
      MemorySegment y,
      int yAt,
      MemorySegment scratch) {
    if (fromRow == toRow) {
      return;
    }
    long rowBytes = w.rowOffset(1);
    try {
      multiply.invokeExact(
          w.data(),
          rowBytes * fromRow,
          rowBytes,
          (long) toRow - fromRow,
          x,
          (long) Float.BYTES * xAt,
          (long) w.columns() / Bf16RowCode.GROUP,
          y,
          (long) Float.BYTES * (yAt + fromRow));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
