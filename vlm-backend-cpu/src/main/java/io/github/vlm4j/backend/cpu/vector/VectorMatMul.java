package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times matrix. Vectors run along the input rows, which {@link #pack} transposes once into
 * panels, so that weights need no rearranging: a block of them is converted to f32 and broadcast
 * from there.
 *
 * <p>The loops nest so that a block of weights ({@link #BAND} × {@link #DEPTH}) stays in the second
 * cache while all inputs pass, and a slice of an input panel ({@link #DEPTH} × {@link Tile#WIDTH})
 * in the first while the rows of the block pass. The order in which products are summed depends on
 * the shapes alone and not on how the work is split.
 */
final class VectorMatMul {

  /** The weights of a row that are multiplied before the next row's turn. */
  static final int DEPTH = 512;

  /** The most weight rows of a block. */
  static final int BAND = 16 * Tile.HEIGHT;

  /** The most input rows whose sums are held while the inner dimension is walked. */
  static final int INPUTS = roundUp(256, Tile.WIDTH);

  private VectorMatMul() {}

  static int scratchFloats() {
    return BAND * (DEPTH + INPUTS);
  }

  static int packedFloats(int n, int k) {
    return Math.multiplyExact(roundUp(n, Lanes.COUNT), k);
  }

  /** The width of the panel that begins at input row {@code row}; the last one may be narrower. */
  private static int panelWidth(int row, int n) {
    return Math.min(Tile.WIDTH, roundUp(n - row, Lanes.COUNT));
  }

  static void pack(
      float[] x, int xAt, int n, int k, float[] packed, int packedAt, int fromTile, int toTile) {
    for (int tile = fromTile; tile < toTile; tile++) {
      int row = tile * Tile.WIDTH;
      int width = panelWidth(row, n);
      int rows = Math.min(width, n - row);
      int to = packedAt + row * k;
      int from = xAt + row * k;
      VectorTranspose.transpose(x, from, k, rows, k, packed, to, width);
      for (int p = 0; p < k && rows < width; p++) {
        Arrays.fill(packed, to + p * width + rows, to + (p + 1) * width, 0);
      }
    }
  }

  static void multiply(
      PanelLoops panels,
      float[] packed,
      int packedAt,
      int n,
      Matrix w,
      int fromRow,
      int toRow,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int bands = (toRow - fromRow + BAND - 1) / BAND;
    if (bands == 0) {
      return;
    }
    int bandRows = roundUp((toRow - fromRow + bands - 1) / bands, Tile.HEIGHT);
    for (int row = fromRow; row < toRow; row += bandRows) {
      int rows = Math.min(bandRows, toRow - row);
      for (int input = 0; input < n; input += INPUTS) {
        int inputs = Math.min(INPUTS, n - input);
        begin(row, rows, input, inputs, n, bias, scratch);
        sum(panels, packed, packedAt, n, w, row, rows, input, inputs, scratch);
        store(row, rows, input, inputs, n, y, yAt, outputs, scratch);
      }
    }
  }

  /**
   * Lets the sums of a block begin with the bias, as those of {@link VectorRunMatMul} do: which of
   * them multiplies makes no difference to the last bit.
   */
  private static void begin(
      int row, int rows, int input, int inputs, int n, float @Nullable [] bias, float[] scratch) {
    int height = roundUp(rows, Tile.HEIGHT);
    for (int at = input; at < input + inputs; at += Tile.WIDTH) {
      int width = panelWidth(at, n);
      int c = BAND * DEPTH + (at - input) * height;
      for (int i = 0; i < height; i++) {
        float first = bias != null && i < rows ? bias[row + i] : 0;
        Arrays.fill(scratch, c + i * width, c + (i + 1) * width, first);
      }
    }
  }

  /**
   * Adds to the sums of a block of outputs and inputs, which lie behind the weights in the scratch.
   */
  private static void sum(
      PanelLoops panels,
      float[] packed,
      int packedAt,
      int n,
      Matrix w,
      int row,
      int rows,
      int input,
      int inputs,
      float[] scratch) {
    int k = w.columns();
    int height = roundUp(rows, Tile.HEIGHT);
    int sums = BAND * DEPTH;
    for (int p = 0; p < k; p += DEPTH) {
      int depth = Math.min(DEPTH, k - p);
      for (int i = 0; i < rows; i++) {
        Weights.read(w, row + i, p, depth, scratch, i * DEPTH);
      }
      Arrays.fill(scratch, rows * DEPTH, height * DEPTH, 0);
      for (int at = input; at < input + inputs; at += Tile.WIDTH) {
        int width = panelWidth(at, n);
        int x = packedAt + at * k + p * width;
        int c = sums + (at - input) * height;
        panels.add(scratch, 0, DEPTH, height, packed, x, depth, width, scratch, c);
      }
    }
  }

  private static void store(
      int row,
      int rows,
      int input,
      int inputs,
      int n,
      float[] y,
      int yAt,
      int outputs,
      float[] scratch) {
    int height = roundUp(rows, Tile.HEIGHT);
    int sums = BAND * DEPTH;
    for (int at = input; at < input + inputs; at += Tile.WIDTH) {
      int width = panelWidth(at, n);
      int c = sums + (at - input) * height;
      int count = Math.min(width, n - at);
      int to = yAt + at * outputs + row;
      VectorTranspose.transpose(scratch, c, width, rows, count, y, to, outputs);
    }
  }

  static int roundUp(int value, int multiple) {
    return Math.addExact(value, multiple - 1) / multiple * multiple;
  }
}
