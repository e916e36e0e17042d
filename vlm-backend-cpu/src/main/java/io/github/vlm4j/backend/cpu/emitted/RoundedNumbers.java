package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * Inputs rounded to the nearest bf16 (ties to even, subnormal numbers to 0), and weights that are
 * bf16 or, where they are quantised, rounded likewise once for all inputs.
 */
final class RoundedNumbers implements Bf16Numbers {

  private static final int LANES = PanelLayout.LANES;

  private final BlockRowFunctions blockRows;
  private final Bf16Functions functions;

  /**
   * Creates what rounds.
   *
   * @param blockRows what decodes quantised weights to bf16
   */
  RoundedNumbers(BlockRowFunctions blockRows, Bf16Functions functions) {
    this.blockRows = blockRows;
    this.functions = functions;
  }

  @Override
  public boolean takes(DType weights) {
    return weights == DType.BF16 || blockRows.takes(weights);
  }

  @Override
  public void pack(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int columns = w.columns();
    long rowBytes = w.dtype().bytes(columns);
    if (w.dtype() == DType.BF16 && rows == LANES) {
      functions.pack(
          w.data().asSlice(w.rowOffset(row), rows * rowBytes), rowBytes, columns, packed, packedAt);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    int whole = PanelLayout.wholeBlocks(columns);
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * whole / 2);
    long apart = (long) Short.BYTES * whole;
    if (w.dtype() == DType.BF16) {
      for (int i = 0; i < rows; i++) {
        MemorySegment.copy(w.data(), w.rowOffset(row + i), staging, i * apart, rowBytes);
      }
    } else {
      blockRows.decode(w, row, rows, staging, apart);
    }
    functions.pack(staging, apart, columns, packed, packedAt);
  }
}
