package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs and quantised weights as bytes: inputs are rounded to 255 steps from minus to
 * plus the greatest of each {@value Int8Code#BLOCK}. Weights are those of {@link ByteBlockCode},
 * once for all inputs: of Q8_0 and Q4_0 as they are. Sums within a block are exact, those of blocks
 * are f32. A panel of weights is a row of f32 for the bias, then the panel that {@link Int8Code}
 * describes. The order in which blocks are summed depends on the shapes alone.
 */
final class Int8Loops implements RoundedLoops {

  private static final int WIDTH = Bf16Code.WIDTH;
  private static final int LANES = Bf16Code.LANES;
  private static final int BLOCK = Int8Code.BLOCK;

  /** The floats that a block of a panel takes. */
  private static final int PANEL_FLOATS = Int8Code.PANEL_BYTES / Float.BYTES;

  /** The floats that a block of an input takes. */
  private static final int INPUT_FLOATS = Int8Code.INPUT_BYTES / Float.BYTES;

  /** The blocks of a sum that are added before the next tile's turn: a first cache holds them. */
  private static final int DEPTH = 8;

  private static final int LEAST_INPUTS = 6;

  /** Rows of one call. */
  private static final int CALL_ROWS = 64 * Int8Code.ROWS;

  /** Floats between rows, so that the rows of a tile do not all meet in one set of a cache. */
  private static final int GAP = 16;

  private final BlockRowFunctions blockRows;
  private final Int8Functions functions;

  /**
   * Creates loops.
   *
   * @param blockRows what decodes weights to bytes
   */
  Int8Loops(BlockRowFunctions blockRows, Int8Functions functions) {
    this.blockRows = blockRows;
    this.functions = functions;
  }

  @Override
  public boolean takes(DType weights) {
    return blockRows.takes(weights);
  }

  /** With fewer, laying weights out takes as long as multiplying the inputs one by one. */
  @Override
  public int leastInputs(DType weights) {
    return LEAST_INPUTS;
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    int apart = apart(columns) * Float.BYTES;
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> Math.multiplyExact(row, apart));
    return new Runs(starts, rows, 1, columns, 0);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    return Math.multiplyExact(rows, apart(columns));
  }

  /** Returns the floats from one rounded row to the next. */
  private static int apart(int columns) {
    return columns / BLOCK * INPUT_FLOATS + GAP;
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] rounded, int roundedAt) {
    int columns = inputs.size();
    int rows = toRow - fromRow;
    functions.quantise(
        Calls.slice(x, xAt + (long) fromRow * columns, (long) rows * columns),
        (long) Float.BYTES * columns,
        Calls.slice(
            rounded, roundedAt + (long) fromRow * apart(columns), (long) rows * apart(columns)),
        (long) Float.BYTES * apart(columns),
        columns / BLOCK,
        rows);
  }

  @Override
  public int runTile() {
    return Int8Code.ROWS;
  }

  @Override
  public int weightTile() {
    return WIDTH;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return Math.addExact(stagingAt(outputs, k), LANES * apart(k));
  }

  /** Rows on their way into a panel lie behind all panels. */
  private static int stagingAt(int outputs, int k) {
    return Math.multiplyExact(Math.ceilDiv(outputs, WIDTH), panelFloats(k));
  }

  private static int panelFloats(int k) {
    return Math.addExact(WIDTH, Math.multiplyExact(k / BLOCK, PANEL_FLOATS));
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
    int stagingAt = packedAt + stagingAt(toRow - fromRow, w.columns());
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      int outputs = Math.min(WIDTH, toRow - row);
      Arrays.fill(packed, panel, panel + WIDTH, 0);
      if (bias != null) {
        System.arraycopy(bias, row, packed, panel, outputs);
      }
      for (int i = 0; i < outputs; i += LANES) {
        packLanes(w, row + i, Math.min(LANES, outputs - i), packed, panel + WIDTH + i, stagingAt);
      }
      panel += panelFloats(w.columns());
    }
  }

  /** Lays the weights of some outputs out, at most as many as a vector has lanes. */
  private void packLanes(Matrix w, int row, int rows, float[] packed, int packedAt, int stagingAt) {
    int blocks = w.columns() / BLOCK;
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * apart(w.columns()));
    long apart = (long) Float.BYTES * apart(w.columns());
    blockRows.decode(w, row, rows, staging, apart);
    functions.pack(
        staging,
        apart,
        Calls.slice(packed, packedAt, (long) PANEL_FLOATS * blocks - WIDTH + LANES),
        blocks);
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
        int at = yAt + input * outputs + row;
        multiply(x, xAt, inputs, input, rows, packed, panel, used, y, at, outputs);
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
    int blocks = inputs.size() / BLOCK;
    MemorySegment sums = Calls.slice(y, at, (rows - 1L) * apart + used);
    MemorySegment first = Calls.slice(packed, panel, WIDTH);
    long firstApart = 0;
    for (int block = 0; block < blocks; block += DEPTH) {
      int depth = Math.min(DEPTH, blocks - block);
      long end = starts[input + rows - 1] / Float.BYTES + (long) INPUT_FLOATS * depth;
      functions.multiply(
          Calls.slice(x, xAt + (long) INPUT_FLOATS * block, end),
          MemorySegment.ofArray(starts).asSlice((long) Integer.BYTES * input),
          Calls.slice(
              packed, panel + WIDTH + (long) PANEL_FLOATS * block, (long) PANEL_FLOATS * depth),
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
}
