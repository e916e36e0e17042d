package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Rounds rows to the type of the matrix they are written to. */
public final class StoredRows {

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
        for (int i = 0; i < n; i++) {
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

  /** Returns whether {@link #encode} knows a type. */
  public static boolean knows(DType dtype) {
    return dtype.isFloat() || dtype == DType.Q8_0;
  }
}
