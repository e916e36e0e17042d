package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs and weights as whole numbers of 16 bits. Of each {@value WordCode#BLOCK}
 * inputs the greatest is {@value WordCode#GREATEST_INPUT} steps from zero, of as many weights the
 * greatest {@value WordCode#GREATEST_WEIGHT}, and all others are rounded to such steps: finer than
 * bf16 for all but what is far below the greatest. Sums within a block are exact, those of blocks
 * are f32, in an order that depends on the shapes alone. A panel of weights is a row of f32 for the
 * bias, then the panel that {@link WordCode} describes.
 */
final class WordLoops implements RoundedLoops {

  private static final int WIDTH = WordCode.WIDTH;
  private static final int LANES = WordCode.LANES;
  private static final int BLOCK = WordCode.BLOCK;
  private static final int ROW_FLOATS = WordCode.ROW_FLOATS;
  private static final long ROW_BYTES = (long) Float.BYTES * ROW_FLOATS;
  private static final int TILE = WordCode.ROWS;

  /** The blocks of a sum that are added before the next tile's turn: a first cache holds them. */
  private static final int DEPTH = 8;

  /** Rows of one call. Their blocks stay in a second cache while all panels pass. */
  private static final int CALL_ROWS = 8 * TILE;

  private final Kernels decoder;
  private final WordFunctions functions;
  private final FloatTranspose transpose;
  private final Predicate<DType> types;
  private final int leastInputs;

  /**
   * Creates loops.
   *
   * @param decoder what decodes weights that are not bf16
   * @param types the types of weights
   * @param leastInputs see {@link #leastInputs}
   */
  WordLoops(
      Kernels decoder,
      WordFunctions functions,
      FloatTranspose transpose,
      Predicate<DType> types,
      int leastInputs) {
    this.decoder = decoder;
    this.functions = functions;
    this.transpose = transpose;
    this.types = types;
    this.leastInputs = leastInputs;
  }

  @Override
  public boolean takes(DType weights) {
    return types.test(weights);
  }

  @Override
  public int leastInputs(DType weights) {
    return leastInputs;
  }

  @Override
  public Runs roundedRuns(int rows, int columns) {
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> start(row, columns));
    return new Runs(starts, rows, 1, columns, 0);
  }

  /** Returns where a rounded row begins: in a tile of rows whose blocks take turns. */
  private static int start(int row, int columns) {
    int tile = Math.multiplyExact(row / TILE, TILE * rowFloats(columns));
    return Math.addExact(tile, row % TILE * ROW_FLOATS);
  }

  @Override
  public int roundedFloats(int rows, int columns) {
    int tiles = Math.multiplyExact(Math.ceilDiv(rows, TILE), TILE * rowFloats(columns));
    return Math.addExact(tiles, CacheLines.MOST_SKIPPED);
  }

  private static int blocks(int columns) {
    return Math.ceilDiv(columns, BLOCK);
  }

  /** Returns the floats of a rounded row. */
  private static int rowFloats(int columns) {
    return Math.multiplyExact(blocks(columns), ROW_FLOATS);
  }

  @Override
  public void roundInputs(
      float[] x, int xAt, int columns, int fromRow, int toRow, float[] rounded, int roundedAt) {
    long rowBytes = (long) Float.BYTES * columns;
    for (int row = fromRow; row < toRow; ) {
      int rows = Math.min(TILE - row % TILE, toRow - row);
      long start = start(row, columns);
      functions.round(
          Calls.slice(x, xAt + (long) row * columns, (long) rows * columns),
          rowBytes,
          Calls.slice(rounded, roundedAt + start, tileReach(columns) + (rows - 1L) * ROW_FLOATS),
          ROW_BYTES,
          TILE * ROW_BYTES,
          columns,
          rows,
          WordCode.GREATEST_INPUT);
      row += rows;
    }
  }

  /** Returns the floats from the beginning of a row to its end in a tile. */
  private static long tileReach(int columns) {
    return (long) TILE * rowFloats(columns) - (TILE - 1) * ROW_FLOATS;
  }

  @Override
  public int aligned(float[] array, int at) {
    return functions.lines().next(array, at);
  }

  @Override
  public int runTile() {
    return TILE;
  }

  @Override
  public int weightTile() {
    return WIDTH;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int staging = Math.addExact(Math.multiplyExact(LANES, rowFloats(k)), k);
    return Math.addExact(stagingAt(outputs, k), staging + CacheLines.MOST_SKIPPED);
  }

  /** Rows on their way into a panel lie behind all panels. */
  private static int stagingAt(int outputs, int k) {
    return Math.multiplyExact(Math.ceilDiv(outputs, WIDTH), panelFloats(k));
  }

  private static int panelFloats(int k) {
    return Math.addExact(WIDTH, Math.multiplyExact(rowFloats(k), WIDTH));
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
    int columns = w.columns();
    int apart = rowFloats(columns);
    MemorySegment staging = Calls.slice(packed, stagingAt, (long) LANES * apart);
    if (w.dtype() == DType.BF16 && columns % BLOCK == 0) {
      long bytes = w.rowOffset(1);
      functions.roundBf16(
          w.data().asSlice(w.rowOffset(row), rows * bytes),
          bytes,
          staging,
          (long) Float.BYTES * apart,
          ROW_BYTES,
          columns,
          rows,
          WordCode.GREATEST_WEIGHT);
    } else {
      int decodedAt = stagingAt + LANES * apart;
      for (int i = 0; i < rows; i++) {
        decoder.decodeRow(w, row + i, packed, decodedAt);
        functions.round(
            Calls.slice(packed, decodedAt, columns),
            0,
            Calls.slice(packed, stagingAt + (long) i * apart, apart),
            0,
            ROW_BYTES,
            columns,
            1,
            WordCode.GREATEST_WEIGHT);
      }
    }
    // Of fewer rows than lanes the others hold anything, as do their sums, which are not stored.
    transpose.transpose(packed, stagingAt, apart, LANES, apart, packed, packedAt, WIDTH);
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
    int blocks = blocks(inputs.size());
    for (int input = fromInput; input < toInput; input += CALL_ROWS) {
      int rows = Math.min(CALL_ROWS, toInput - input);
      int at = yAt + input * outputs;
      for (int block = 0; block < blocks; block += DEPTH) {
        int depth = Math.min(DEPTH, blocks - block);
        long first = xAt + (long) input * blocks * ROW_FLOATS + (long) block * TILE * ROW_FLOATS;
        MemorySegment some =
            Calls.slice(
                x,
                first,
                ((rows - 1L) / TILE * blocks + depth - 1) * TILE * ROW_FLOATS
                    + ((rows - 1L) % TILE + 1) * ROW_FLOATS);
        int panel = packedAt;
        for (int row = fromRow; row < toRow; row += WIDTH) {
          int used = Math.min(WIDTH, toRow - row);
          multiply(some, blocks, rows, packed, panel, block, depth, used, y, at + row, outputs);
          panel += panelFloats(inputs.size());
        }
      }
    }
  }

  /** Adds some blocks to the sums of some inputs and one panel of weights. */
  private void multiply(
      MemorySegment x,
      int blocks,
      int rows,
      float[] packed,
      int panel,
      int block,
      int depth,
      int used,
      float[] y,
      int at,
      int apart) {
    long sumsApart = (long) Float.BYTES * apart;
    long blockFloats = (long) ROW_FLOATS * WIDTH;
    MemorySegment sums = Calls.slice(y, at, (rows - 1L) * apart + used);
    boolean begins = block == 0;
    functions.multiply(
        x,
        TILE * ROW_BYTES * blocks,
        Calls.slice(packed, panel + WIDTH + blockFloats * block, blockFloats * depth),
        begins ? Calls.slice(packed, panel, WIDTH) : sums,
        begins ? 0 : sumsApart,
        sums,
        sumsApart,
        depth,
        rows,
        used);
  }
}
