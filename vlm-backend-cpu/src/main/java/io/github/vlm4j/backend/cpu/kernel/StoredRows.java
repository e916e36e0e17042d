package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Rounds rows to the type of the matrix they are written to, and reads those of f16. */
public final class StoredRows {

  /**
   * Four numbers of 16 bits: before code is compiled, each load and store takes longer than what is
   * between.
   */
  private static final ValueLayout.OfLong FOUR =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private StoredRows() {}

  /**
   * Writes a row: f16 and bf16 rounded to the nearest, ties to even, and Q8_0 as ggml does.
   *
   * @param x the numbers, {@link Matrix#columns} from {@code xAt} on
   * @param row the row of the matrix to write
   */
  public static void encode(float[] x, int xAt, Matrix to, int row) {
    MemorySegment data = to.data();
    long at = to.rowOffset(row);
    int n = to.columns();
    switch (to.dtype()) {
      case F32 -> MemorySegment.copy(x, xAt, data, Tensor.F32, at, n);
      case F16 -> {
        int whole = n - n % 4;
        for (int i = 0; i < whole; i += 4) {
          data.set(FOUR, at + 2L * i, fourF16(x, xAt + i));
        }
        for (int i = whole; i < n; i++) {
          data.set(Tensor.BITS16, at + 2L * i, Float.floatToFloat16(x[xAt + i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          data.set(Tensor.BITS16, at + 2L * i, Tensor.roundedToBf16(x[xAt + i]));
        }
      }
      default -> BlockCodec.of(to.dtype()).encode(x, xAt, n / to.dtype().blockElements(), data, at);
    }
  }

  /**
   * Reads a row of f16.
   *
   * @param row the row of the matrix to read
   * @param y receives the numbers, {@link Matrix#columns} from {@code yAt} on
   */
  public static void decodeF16(Matrix from, int row, float[] y, int yAt) {
    MemorySegment data = from.data();
    long at = from.rowOffset(row);
    int n = from.columns();
    int whole = n - n % 4;
    for (int i = 0; i < whole; i += 4) {
      long four = data.get(FOUR, at + 2L * i);
      for (int j = i; j < i + 4; j++) {
        y[yAt + j] = Float.float16ToFloat((short) four);
        four >>>= Short.SIZE;
      }
    }
    for (int i = whole; i < n; i++) {
      y[yAt + i] = Float.float16ToFloat(data.get(Tensor.BITS16, at + 2L * i));
    }
  }

  private static long fourF16(float[] x, int at) {
    long four = 0;
    for (int i = 3; i >= 0; i--) {
      four = four << Short.SIZE | Short.toUnsignedLong(Float.floatToFloat16(x[at + i]));
    }
    return four;
  }

  /** Returns whether {@link #encode} knows a type. */
  public static boolean knows(DType dtype) {
    return dtype.isFloat() || dtype == DType.Q8_0;
  }
}
