package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs rounded to the nearest bf16 (ties to even, subnormal numbers to 0) with
 * weights in bf16; every product is exact and sums are f32. Quantised weights are rounded to bf16
 * likewise, once for all inputs. A panel of weights is a row of f32 for the bias, then the panel
 * that {@link Bf16Code} describes. The order in which products are summed depends on the shapes
 * alone.
 */
final class Bf16Loops implements RoundedLoops {

  private static final int WIDTH = Bf16Code.WIDTH;
  private static final int LANES = Bf16Code.LANES;

  /** The inputs whose weights are one block when they are laid out: two for each lane. */
  private static final int BLOCK = 2 * LANES;

  /** The pairs of a sum that are added before the next tile's turn: a panel fits a second cache. */
  private static final int DEPTH = 1024;

  /** Rows of one call, which ends before anybody who waits for garbage collection would notice. */
  private static final int CALL_ROWS = 32 * Bf16Code.ROWS;

  /** Numbers between rows, so that the rows of a tile do not all meet in one set of a cache. */
  private static final int GAP = BLOCK;

  private final Kernels decoder;
  private final Bf16Functions functions;

  /**
   * Creates loops.
   *
   * @param decoder what decodes quantised weights
   */
  Bf16Loops(Kernels decoder, Bf16Functions functions) {
    this.decoder = decoder;
    this.functions = functions;
  }

  @Override
  public boolean takes(DType weights) {
    return weights == DType.BF16 || weights.isQuantised();
  }

  @Override
  public Runs roundedRuns(int rows, int columns) {
    int apart = apart(columns);
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> row * apart);
    return new Runs(starts, rows, 1, columns, 0);
  }

  @Override
  public int roundedFloats(int rows, int columns) {
    return Math.multiplyExact(rows, apart(columns) / 2);
  }

  /** Returns the numbers from one rounded row to the next. */
  private static int apart(int columns) {
    return wholeBlocks(columns) + GAP;
  }

  private static int wholeBlocks(int columns) {
    return Math.ceilDiv(columns, BLOCK) * BLOCK;
  }

  @Override
  public void roundInputs(
      float[] x, int xAt, int columns, int fromRow, int toRow, float[] rounded) {
    long apart = (long) Short.BYTES * apart(columns);
    int rows = toRow - fromRow;
    functions.round(
        slice(x, xAt + (long) fromRow * columns, (long) rows * columns),
        (long) Float.BYTES * columns,
        MemorySegment.ofArray(rounded).asSlice(fromRow * apart, rows * apart),
        apart,
        columns,
        rows);
  }

  @Override
  public int runTile() {
    return Bf16Code.ROWS;
  }

  @Override
  public int weightTile() {
    return WIDTH;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int staging = LANES * wholeBlocks(k) / 2 + wholeBlocks(k);
    return Math.addExact(stagingAt(outputs, k), staging);
  }

  /** Rows on their way into a panel lie behind all panels and what their last blocks may touch. */
  private static int stagingAt(int outputs, int k) {
    int panels = Math.ceilDiv(outputs, WIDTH);
    return Math.addExact(Math.multiplyExact(panels, panelFloats(k)), LANES * WIDTH);
  }

  private static int panelFloats(int k) {
    return Math.multiplyExact(1 + Math.ceilDiv(k, 2), WIDTH);
  }

  @Override
  public int runScratch() {
    return 0;
  }

  @Override
  public void packWeights(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    int staging = packedAt + stagingAt(toRow - fromRow, w.columns());
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      int outputs = Math.min(WIDTH, toRow - row);
      Arrays.fill(packed, panel, panel + WIDTH, 0);
      if (bias != null) {
        System.arraycopy(bias, row, packed, panel, outputs);
      }
      for (int i = 0; i < outputs; i += LANES) {
        packLanes(w, row + i, Math.min(LANES, outputs - i), packed, panel + WIDTH + i, staging);
      }
      panel += panelFloats(w.columns());
    }
  }

  /** Lays the weights of some outputs out, at most as many as a vector has lanes. */
  private void packLanes(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int columns = w.columns();
    long rowBytes = w.dtype().bytes(columns);
    MemorySegment to = slice(packed, packedAt, (long) wholeBlocks(columns) / 2 * WIDTH);
    if (w.dtype() == DType.BF16 && rows == LANES) {
      functions.pack(w.data().asSlice(w.rowOffset(row), rows * rowBytes), rowBytes, columns, to);
      return;
    }
    // Rows after the matrix's end must not be read; what would be there is not stored later on.
    int whole = wholeBlocks(columns);
    MemorySegment staging = slice(packed, stagingAt, (long) LANES * whole / 2);
    int decodedAt = stagingAt + LANES * whole / 2;
    long apart = (long) Short.BYTES * whole;
    for (int i = 0; i < rows; i++) {
      if (w.dtype() == DType.BF16) {
        MemorySegment.copy(w.data(), w.rowOffset(row + i), staging, i * apart, rowBytes);
      } else {
        decoder.decodeRow(w, row + i, packed, decodedAt);
        functions.round(
            slice(packed, decodedAt, columns), 0, staging.asSlice(i * apart, apart), 0, columns, 1);
      }
    }
    functions.pack(staging, apart, columns, to);
  }

  @Override
  public void multiplyRuns(
      float[] x,
      int xAt,
      Runs inputs,
      int fromInput,
      int toInput,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      int used = Math.min(WIDTH, toRow - row);
      for (int input = fromInput; input < toInput; input += CALL_ROWS) {
        int rows = Math.min(CALL_ROWS, toInput - input);
        multiply(
            x,
            xAt,
            inputs,
            input,
            rows,
            packed,
            panel,
            used,
            y,
            yAt + input * outputs + row,
            outputs);
      }
      panel += panelFloats(inputs.size());
    }
  }

  /** Computes the sums of some inputs and one panel of weights. */
  private void multiply(
      float[] x,
      int xAt,
      Runs inputs,
      int input,
      int rows,
      float[] packed,
      int panel,
      int used,
      float[] y,
      int at,
      int apart) {
    int[] starts = inputs.starts();
    long pairs = Math.ceilDiv(inputs.size(), 2);
    MemorySegment sums = slice(y, at, (rows - 1L) * apart + used);
    MemorySegment first = slice(packed, panel, WIDTH);
    long firstApart = 0;
    for (long p = 0; p < pairs; p += DEPTH) {
      long depth = Math.min(DEPTH, pairs - p);
      functions.multiply(
          slice(x, xAt + p, starts[input + rows - 1] / 2 + depth),
          MemorySegment.ofArray(starts).asSlice((long) Integer.BYTES * input),
          slice(packed, panel + WIDTH * (p + 1), WIDTH * depth),
          first,
          firstApart,
          sums,
          (long) Float.BYTES * apart,
          depth,
          rows,
          used);
      first = sums;
      firstApart = (long) Float.BYTES * apart;
    }
  }

  /** Returns a part of an array, after a check that it is there. */
  static MemorySegment slice(float[] array, long at, long count) {
    return MemorySegment.ofArray(array).asSlice(Float.BYTES * at, Float.BYTES * count);
  }
}
