package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times matrix with vectors that run along the outputs, as {@link VectorRunMatMul} has it,
 * but the inputs of a tile are laid next to each other first: {@code [k, PITCH]} for each {@link
 * Tile#HEIGHT} of them. One address then does for all that a tile broadcasts, which leaves its loop
 * two thirds of the instructions. A core that somebody else uses as well takes in half as many.
 *
 * <p>The loops nest so that a slice of all weights of a band ({@link #DEPTH} × {@link #BAND}) stays
 * in the second cache while the inputs of a block pass, that of a tile of inputs in the first while
 * the panels of the band pass, and the sums of all these in the scratch, next to each other.
 */
final class VectorTileMatMul implements PreparedLoops {

  /** The products of a sum that are added before the next tile's turn. */
  private static final int DEPTH = 512;

  /** Inputs of a block. */
  private static final int BLOCK = 64 * Tile.HEIGHT;

  /** Outputs whose weights are laid out together. */
  private static final int BAND = VectorMatMul.roundUp(96, Tile.WIDTH);

  /** With fewer inputs, laying out weights takes longer than laying out inputs for other loops. */
  private static final int LEAST_INPUTS = 48;

  @Override
  public int leastInputs(DType weights) {
    return LEAST_INPUTS;
  }

  @Override
  public int runTile() {
    return Tile.HEIGHT;
  }

  @Override
  public int weightTile() {
    return Tile.WIDTH;
  }

  @Override
  public int bandOutputs(int k) {
    return BAND;
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    return Runs.dense(rows, columns, Tile.HEIGHT);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    int tiles = Math.ceilDiv(rows, Tile.HEIGHT);
    return Math.multiplyExact(Math.multiplyExact(tiles, columns), Tile.PITCH);
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, int columns, int fromRow, int toRow, float[] prepared, int preparedAt) {
    int row = fromRow;
    while (row < toRow) {
      int place = row % Tile.HEIGHT;
      int rows = Math.min(Tile.HEIGHT - place, toRow - row);
      // Places behind the tile's are not read, and whole blocks are transposed fastest.
      int moved = place == 0 && row + Tile.PITCH <= toRow ? Tile.PITCH : rows;
      int to = preparedAt + row / Tile.HEIGHT * columns * Tile.PITCH + place;
      VectorTranspose.transpose(
          x, xAt + row * columns, columns, moved, columns, prepared, to, Tile.PITCH);
      row += rows;
    }
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return Math.multiplyExact(VectorMatMul.roundUp(outputs, Tile.WIDTH), Math.addExact(k, 1));
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
    Weights.check(w.dtype());
    int to = packedAt;
    for (int row = fromRow; row < toRow; row += Tile.WIDTH) {
      int outputs = Math.min(Tile.WIDTH, toRow - row);
      VectorRunMatMul.packPanel(w, bias, row, outputs, Tile.WIDTH, packed, to, scratch);
      to += packedWeightFloats(outputs, w.columns());
    }
  }

  @Override
  public int runScratch() {
    return Math.max(VectorRunMatMul.scratchFloats(), BLOCK * BAND);
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
    for (int row = fromRow, panels = packedAt; row < toRow; row += BAND) {
      int rows = Math.min(BAND, toRow - row);
      for (int input = fromInput; input < toInput; input += BLOCK) {
        int count = Math.min(BLOCK, toInput - input);
        int tiles = xAt + input / Tile.HEIGHT * inputs.size() * Tile.PITCH;
        sum(x, tiles, count, inputs.size(), packed, panels, rows, scratch);
        store(scratch, count, rows, y, yAt + input * outputs + row, outputs);
      }
      panels += packedWeightFloats(rows, inputs.size());
    }
  }

  /** Computes the sums of a block and a band, {@code [tiles, panels, HEIGHT, WIDTH]}. */
  private static void sum(
      float[] x, int xAt, int inputs, int k, float[] packed, int packedAt, int rows, float[] sums) {
    for (int p = 0; p < k; p += DEPTH) {
      int depth = Math.min(DEPTH, k - p);
      int c = 0;
      for (int i = 0; i < inputs; i += Tile.HEIGHT) {
        int tile = xAt + (i / Tile.HEIGHT * k + p) * Tile.PITCH;
        for (int row = 0; row < rows; row += Tile.WIDTH) {
          int bias = packedAt + row * (k + 1);
          int w = bias + (1 + p) * Tile.WIDTH;
          if (p == 0) {
            Tile.CHOSEN.addTile(x, tile, packed, w, depth, packed, bias, 0, sums, c, Tile.WIDTH);
          } else {
            Tile.CHOSEN.addTile(
                x, tile, packed, w, depth, sums, c, Tile.WIDTH, sums, c, Tile.WIDTH);
          }
          c += Tile.HEIGHT * Tile.WIDTH;
        }
      }
    }
  }

  /** Writes sums where results go; those of places without an input or output are left out. */
  private static void store(float[] sums, int inputs, int rows, float[] y, int yAt, int outputs) {
    int panels = Math.ceilDiv(rows, Tile.WIDTH);
    for (int i = 0; i < inputs; i++) {
      int c = (i / Tile.HEIGHT * panels * Tile.HEIGHT + i % Tile.HEIGHT) * Tile.WIDTH;
      for (int row = 0; row < rows; row += Tile.WIDTH) {
        int used = Math.min(Tile.WIDTH, rows - row);
        System.arraycopy(sums, c, y, yAt + i * outputs + row, used);
        c += Tile.HEIGHT * Tile.WIDTH;
      }
    }
  }
}
