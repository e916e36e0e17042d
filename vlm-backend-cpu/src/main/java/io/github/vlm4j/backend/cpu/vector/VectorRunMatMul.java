package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times matrix the other way round: vectors run along the outputs, so that weights are
 * transposed into panels and inputs are broadcast from where they lie. Pays when there are more
 * input rows than outputs, as in convolutions: nothing is copied out of the inputs and the sums are
 * held in the result itself.
 *
 * <p>The loops nest so that a slice of a panel of weights ({@link #DEPTH} × {@link Tile#WIDTH})
 * stays in the first cache while the rows of a block pass, and the inputs of a block of rows in the
 * second while all panels pass. The order in which products are summed depends on the shapes alone.
 */
final class VectorRunMatMul {

  private static final int L = Lanes.COUNT;

  /** The products of a sum that are added before the next tile's turn. */
  private static final int DEPTH = 512;

  /** The most floats of a block of inputs, half of a second cache at most. */
  private static final int BLOCK_FLOATS = 1 << 15;

  /** The most rows of a block in tiles, as many as the scratch has sums of. */
  private static final int MOST_TILES = 32;

  /** Fewer would use a slice of weights too few times to pay for its way into the cache. */
  private static final int LEAST_TILES = 8;

  /** Columns of bf16 that are transposed together. */
  private static final int PAIRS = 8;

  private VectorRunMatMul() {}

  static int scratchFloats() {
    return Math.max(MOST_TILES * Tile.HEIGHT, DEPTH) * Tile.WIDTH;
  }

  static int packedFloats(int outputs, int k) {
    return Math.multiplyExact(VectorMatMul.roundUp(outputs, L), Math.addExact(k, 1));
  }

  private static int panelWidth(int output, int outputs) {
    return Math.min(Tile.WIDTH, VectorMatMul.roundUp(outputs - output, L));
  }

  /** Lays outputs out as panels of {@code [1 + k, width]} each: the bias, then the weights. */
  static void pack(
      Matrix w,
      float @Nullable [] bias,
      int fromRow,
      int toRow,
      float[] packed,
      int packedAt,
      float[] scratch) {
    int to = packedAt;
    for (int row = fromRow; row < toRow; row += Tile.WIDTH) {
      int width = panelWidth(row, toRow);
      packPanel(w, bias, row, Math.min(width, toRow - row), width, packed, to, scratch);
      to += (w.columns() + 1) * width;
    }
  }

  /** Lays out a single panel, of some outputs. */
  static void packPanel(
      Matrix w,
      float @Nullable [] bias,
      int row,
      int outputs,
      int width,
      float[] packed,
      int packedAt,
      float[] scratch) {
    int k = w.columns();
    Arrays.fill(packed, packedAt, packedAt + width, 0);
    if (bias != null) {
      System.arraycopy(bias, row, packed, packedAt, outputs);
    }
    boolean direct = w.dtype() == DType.BF16 && outputs == width;
    int done = direct ? k - k % PAIRS : 0;
    if (direct) {
      long at = w.rowOffset(row);
      int to = packedAt + width;
      VectorTranspose.transposeBf16(w.data(), at, w.rowOffset(1), width, done, packed, to, width);
    }
    for (int p = done; p < k; p += DEPTH) {
      int depth = Math.min(DEPTH, k - p);
      for (int i = 0; i < outputs; i++) {
        Weights.read(w, row + i, p, depth, scratch, i * DEPTH);
      }
      Arrays.fill(scratch, outputs * DEPTH, width * DEPTH, 0);
      int to = packedAt + (1 + p) * width;
      VectorTranspose.transpose(scratch, 0, DEPTH, width, depth, packed, to, width);
    }
  }

  /** Lays columns out likewise, without a bias; they need no transposing. */
  static void packColumns(Matrix w, int fromColumn, int toColumn, float[] packed, int packedAt) {
    int k = w.rows();
    int to = packedAt;
    for (int column = fromColumn; column < toColumn; column += Tile.WIDTH) {
      int width = panelWidth(column, toColumn);
      int outputs = Math.min(width, toColumn - column);
      Arrays.fill(packed, to, to + width, 0);
      to += width;
      Weights.readColumns(w, column, outputs, packed, to, width);
      for (int p = 0; p < k && outputs < width; p++) {
        Arrays.fill(packed, to + p * width + outputs, to + (p + 1) * width, 0);
      }
      to += k * width;
    }
  }

  static void multiply(
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
    int tiles = BLOCK_FLOATS / Math.max(1, inputs.size()) / Tile.HEIGHT;
    int blockRows = Math.clamp(tiles, LEAST_TILES, MOST_TILES) * Tile.HEIGHT;
    for (int input = fromInput; input < toInput; input += blockRows) {
      int count = Math.min(blockRows, toInput - input);
      int panel = packedAt;
      for (int row = fromRow; row < toRow; row += Tile.WIDTH) {
        int width = panelWidth(row, toRow);
        int used = Math.min(width, toRow - row);
        int to = yAt + input * outputs + row;
        if (used == width && count % Tile.HEIGHT == 0) {
          sum(x, xAt, inputs, input, count, packed, panel, width, y, to, outputs);
        } else {
          sum(x, xAt, inputs, input, count, packed, panel, width, scratch, 0, width);
          for (int i = 0; i < count; i++) {
            System.arraycopy(scratch, i * width, y, to + i * outputs, used);
          }
        }
        panel += (inputs.size() + 1) * width;
      }
    }
  }

  /** Computes the sums of a block of inputs and one panel of weights. */
  private static void sum(
      float[] x,
      int xAt,
      Runs inputs,
      int input,
      int count,
      float[] packed,
      int panel,
      int width,
      float[] c,
      int cAt,
      int apart) {
    int[] starts = inputs.starts();
    float[] first = packed;
    int firstAt = panel;
    int firstApart = 0;
    int w = panel + width;
    for (int run = 0; run < inputs.runs(); run++) {
      for (int p = 0; p < inputs.length(); p += DEPTH) {
        int depth = Math.min(DEPTH, inputs.length() - p);
        int shift = xAt + run * inputs.apart() + p;
        for (int i = 0; i < count; i += Tile.HEIGHT) {
          int at = firstAt + i * firstApart;
          int to = cAt + i * apart;
          if (width == Tile.WIDTH) {
            Tile.CHOSEN.addRuns(
                x, starts, input + i, shift, packed, w, depth, first, at, firstApart, c, to, apart);
          } else {
            for (int v = 0; v < width; v += L) {
              Tile.CHOSEN.addRunsNarrow(
                  x,
                  starts,
                  input + i,
                  shift,
                  packed,
                  w + v,
                  depth,
                  width,
                  first,
                  at + v,
                  firstApart,
                  c,
                  to + v,
                  apart);
            }
          }
        }
        w += depth * width;
        first = c;
        firstAt = cAt;
        firstApart = apart;
      }
    }
  }
}
