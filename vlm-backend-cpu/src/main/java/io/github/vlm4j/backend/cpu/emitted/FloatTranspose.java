package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Rows become columns with {@link FloatTransposeCode}; what fills no block, number by number. */
final class FloatTranspose {

  private static final int SIDE = FloatTransposeCode.SIDE;

  private final MethodHandle ofF32;
  private final MethodHandle ofBf16;

  /**
   * Makes the code.
   *
   * @param arena how long it lives
   * @throws ExecutableMemory.Refused if the system does not allow that
   */
  FloatTranspose(Arena arena) {
    Assembler assembler = new Assembler();
    FloatTransposeCode code = new FloatTransposeCode(assembler, CallingConvention.ofThisSystem());
    int f32At = code.transpose(DType.F32);
    int bf16At = code.transpose(DType.BF16);
    ExecutableMemory memory = ExecutableMemory.of(assembler.code(), arena);
    FunctionDescriptor descriptor = Calls.arguments("alllal");
    this.ofF32 = memory.function(f32At, descriptor);
    this.ofBf16 = memory.function(bf16At, descriptor);
  }

  /**
   * Writes {@code y[yAt + j·yStep + i] = x[xAt + i·xStep + j]} for i below {@code rows} and j below
   * {@code columns}.
   */
  void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep) {
    int wholeRows = rows - rows % SIDE;
    int wholeColumns = columns - columns % SIDE;
    if (wholeRows > 0 && wholeColumns > 0) {
      blocks(
          ofF32,
          Calls.slice(x, xAt, (wholeRows - 1L) * xStep + wholeColumns),
          (long) Float.BYTES * xStep,
          wholeRows,
          wholeColumns,
          y,
          yAt,
          yStep);
    }
    for (int i = 0; i < rows; i++) {
      for (int j = i < wholeRows ? wholeColumns : 0; j < columns; j++) {
        y[yAt + j * yStep + i] = x[xAt + i * xStep + j];
      }
    }
  }

  /**
   * Does the same with rows of bf16 or f32.
   *
   * @param rows what begins with the first row
   * @param apart the bytes from a row to the next
   * @param count the rows, a multiple of {@value FloatTransposeCode#SIDE}
   * @param columns a multiple of that, too
   */
  void blocks(
      DType type,
      MemorySegment rows,
      long apart,
      int count,
      int columns,
      float[] y,
      int yAt,
      int yStep) {
    MemorySegment some = rows.asSlice(0, (count - 1L) * apart + type.bytes(columns));
    blocks(type == DType.BF16 ? ofBf16 : ofF32, some, apart, count, columns, y, yAt, yStep);
  }

  private static void blocks(
      MethodHandle function,
      MemorySegment rows,
      long apart,
      int count,
      int columns,
      float[] y,
      int yAt,
      int yStep) {
    MemorySegment to = Calls.slice(y, yAt, (columns - 1L) * yStep + count);
    try {
      function.invokeExact(
          rows, apart, (long) count / SIDE, (long) columns / SIDE, to, (long) Float.BYTES * yStep);
    } catch (Throwable e) {
      throw Calls.failed(e);
    }
  }
}
