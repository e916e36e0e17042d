package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs and weights as whole numbers, in blocks that share a scale. Sums within a
 * block are exact, those of blocks are f32, in an order that depends on the shapes alone. A panel
 * of weights is a row of f32 for the bias, then the panel that {@link BlockProductCode} describes.
 */
final class BlockLoops implements RoundedLoops {

  private static final int WIDTH = BlockProductCode.WIDTH;
  private static final int TILE = BlockProductCode.ROWS;

  /**
   * Numbers of a sum that are added before others' turn. Panels of so many stay in a second cache
   * while all inputs pass; sums, whose rows may lie pages apart, are read and written once for
   * each.
   */
  private static final int SLICE = 2048;

  /** Rows of one call. Their blocks of a slice stay in a second cache while all panels pass. */
  private static final int CALL_ROWS = 8 * TILE;

  private final BlockNumbers numbers;
  private final BlockProducts products;
  private final CacheLines lines;
  private final int size;
  private final int floats;

  /** Creates loops. */
  BlockLoops(BlockNumbers numbers, CacheLines lines) {
    this.numbers = numbers;
    this.products = numbers.products();
    this.lines = lines;
    this.size = numbers.size();
    this.floats = numbers.floats();
  }

  @Override
  public boolean takes(DType weights) {
    return numbers.takes(weights);
  }

  @Override
  public int leastInputs(DType weights) {
    return numbers.leastInputs(weights);
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> start(row, columns));
    return new Runs(starts, rows, 1, columns, 0);
  }

  /** Returns where a rounded row begins: in a tile of rows whose blocks take turns. */
  private int start(int row, int columns) {
    int tile = Math.multiplyExact(row / TILE, TILE * rowFloats(columns));
    return Math.addExact(tile, row % TILE * floats);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    int tiles = Math.multiplyExact(Math.ceilDiv(rows, TILE), TILE * rowFloats(columns));
    return Math.addExact(tiles, CacheLines.MOST_SKIPPED);
  }

  private int blocks(int columns) {
    return Math.ceilDiv(columns, size);
  }

  /** Returns the floats of a rounded row. */
  private int rowFloats(int columns) {
    return Math.multiplyExact(blocks(columns), floats);
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] rounded, int roundedAt) {
    int columns = inputs.size();
    long blockBytes = (long) Float.BYTES * floats;
    // From the beginning of a row to its end in a tile.
    long reach = (long) TILE * rowFloats(columns) - (long) (TILE - 1) * floats;
    for (int row = fromRow; row < toRow; ) {
      int rows = Math.min(TILE - row % TILE, toRow - row);
      numbers.roundInputs(
          Calls.slice(x, xAt + (long) row * columns, (long) rows * columns),
          (long) Float.BYTES * columns,
          Calls.slice(
              rounded, roundedAt + (long) start(row, columns), reach + (rows - 1L) * floats),
          blockBytes,
          TILE * blockBytes,
          columns,
          rows);
      row += rows;
    }
  }

  @Override
  public int aligned(float[] array, int at) {
    return lines.next(array, at);
  }

  @Override
  public int runTile() {
    return TILE;
  }

  @Override
  public int weightTile() {
    return WIDTH;
  }

  /** Only a slice has to stay cached. */
  @Override
  public int bandOutputs(int k) {
    return Math.max(1, BAND_FLOATS / panelFloats(Math.min(k, SLICE))) * WIDTH;
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int scratch = Math.addExact(numbers.scratch(k), CacheLines.MOST_SKIPPED);
    return Math.addExact(panelsFloats(outputs, k), scratch);
  }

  private int panelsFloats(int outputs, int k) {
    return Math.multiplyExact(Math.ceilDiv(outputs, WIDTH), panelFloats(k));
  }

  private int panelFloats(int k) {
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
    int apart = panelFloats(w.columns());
    int end = packedAt + panelsFloats(toRow - fromRow, w.columns());
    numbers.layOut(w, fromRow, toRow - fromRow, packed, packedAt + WIDTH, apart, end);
    // Not before, as anything is left between panels.
    int panel = packedAt;
    for (int row = fromRow; row < toRow; row += WIDTH) {
      Arrays.fill(packed, panel, panel + WIDTH, 0);
      if (bias != null) {
        System.arraycopy(bias, row, packed, panel, Math.min(WIDTH, toRow - row));
      }
      panel += apart;
    }
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
    for (int block = 0; block < blocks; block += SLICE / size) {
      int depth = Math.min(SLICE / size, blocks - block);
      for (int input = fromInput; input < toInput; input += CALL_ROWS) {
        int rows = Math.min(CALL_ROWS, toInput - input);
        int at = yAt + input * outputs;
        long first = xAt + (long) floats * ((long) input * blocks + (long) TILE * block);
        long lastTile = (rows - 1L) / TILE * blocks * TILE;
        long lastBlock = (depth - 1L) * TILE + (rows - 1L) % TILE;
        MemorySegment some = Calls.slice(x, first, floats * (lastTile + lastBlock + 1));
        int whole = (toRow - fromRow) / WIDTH * WIDTH;
        int left = toRow - fromRow - whole;
        if (whole > 0) {
          multiply(
              some, blocks, rows, packed, packedAt, block, depth, whole, y, at + fromRow, outputs);
        }
        if (left > 0) {
          int panel = packedAt + panelsFloats(whole, inputs.size());
          int to = at + fromRow + whole;
          multiply(some, blocks, rows, packed, panel, block, depth, left, y, to, outputs);
        }
      }
    }
  }

  /** Adds some blocks to the sums of some inputs, with whole panels of weights or a single one. */
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
    long blockFloats = (long) floats * WIDTH;
    long panelFloats = WIDTH + blockFloats * blocks;
    long before = panelFloats * ((used - 1) / WIDTH);
    long sumsApart = (long) Float.BYTES * apart;
    MemorySegment sums = Calls.slice(y, at, (rows - 1L) * apart + used);
    boolean begins = block == 0;
    products.multiply(
        x,
        Float.BYTES * (long) floats * TILE * blocks,
        Calls.slice(packed, panel + WIDTH + blockFloats * block, before + blockFloats * depth),
        Float.BYTES * panelFloats,
        begins ? Calls.slice(packed, panel, before + WIDTH) : sums,
        begins ? 0 : sumsApart,
        begins ? Float.BYTES * panelFloats : (long) Float.BYTES * WIDTH,
        sums,
        sumsApart,
        depth,
        rows,
        used);
  }
}
