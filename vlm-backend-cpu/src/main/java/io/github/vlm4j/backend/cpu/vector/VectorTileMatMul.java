package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times matrix with vectors that run along the outputs, as {@link VectorRunMatMul} has it,
 * but the inputs of a tile are laid next to each other first: {@code [k, PITCH]} for each {@link
 * PackedTile#HEIGHT} of them. One address then does for all that a tile broadcasts, which leaves
 * its loop two thirds of the instructions. A core that somebody else uses as well takes in half as
 * many.
 *
 * <p>The loops nest so that a slice of a panel of weights ({@link #DEPTH} × {@link
 * PackedTile#WIDTH}) stays in the first cache while the inputs of a block pass, their slice in the
 * second while the panels of a band pass, and the sums of all these in the scratch, next to each
 * other. Inputs are therefore {@code [slices, tiles, DEPTH, PITCH]}, {@link PackedTile#HEIGHT} of
 * them a tile: what is read one after another lies so, too, instead of in new pages all the time.
 */
final class VectorTileMatMul implements PreparedLoops {

  private static final PackedTile TILE = PackedTile.CHOSEN;

  private static final int TILE_SUMS = PackedTile.HEIGHT * PackedTile.WIDTH;

  /** Floats that stay in the first cache: of the weights and the inputs of a tile. */
  private static final int CACHED = 7 << 10;

  /**
   * The products of a sum that are added before the next tile's turn: 96 with tiles of 64 outputs,
   * which were measured at 90 % of the peak on Zen 5, and at 78 % with 512, where the second cache
   * has to bring the weights of every tile.
   */
  private static final int DEPTH = CACHED / (PackedTile.WIDTH + PackedTile.PITCH) / 8 * 8;

  /** Floats of a slice of a tile of inputs. */
  private static final int SLICE = DEPTH * PackedTile.PITCH;

  /** Tiles of a block, at most: a slice of as many takes a part of the second cache. */
  private static final int MOST_TILES = (48 << 10) / SLICE;

  /** Floats of weights that are laid out together and stay in the second cache until multiplied. */
  private static final int BAND_FLOATS = 1 << 17;

  /** Panels of a band, at most. */
  private static final int MOST_PANELS = 4;

  /** With fewer inputs, laying out weights takes longer than laying out inputs for other loops. */
  private static final int LEAST_INPUTS = 48;

  @Override
  public int leastInputs(DType weights) {
    return LEAST_INPUTS;
  }

  @Override
  public int runTile() {
    return PackedTile.HEIGHT;
  }

  @Override
  public int weightTile() {
    return PackedTile.WIDTH;
  }

  @Override
  public int bandOutputs(int k) {
    int panels = BAND_FLOATS / PackedTile.WIDTH / Math.max(1, k);
    return Math.clamp(panels, 1, MOST_PANELS) * PackedTile.WIDTH;
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    return Runs.dense(rows, columns, PackedTile.HEIGHT);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    int slices = Math.ceilDiv(columns, DEPTH);
    return Math.multiplyExact(Math.multiplyExact(slices, tiles(rows)), SLICE);
  }

  private static int tiles(int rows) {
    return Math.ceilDiv(rows, PackedTile.HEIGHT);
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] prepared, int preparedAt) {
    int columns = inputs.size();
    int sliceFloats = tiles(inputs.rows()) * SLICE;
    for (int row = fromRow; row < toRow; ) {
      int place = row % PackedTile.HEIGHT;
      int rows = Math.min(PackedTile.HEIGHT - place, toRow - row);
      // Places behind the tile's are not read, and whole blocks are transposed fastest.
      int moved = place == 0 && row + PackedTile.PITCH <= toRow ? PackedTile.PITCH : rows;
      int from = xAt + row * columns;
      int to = preparedAt + row / PackedTile.HEIGHT * SLICE + place;
      for (int p = 0; p < columns; p += DEPTH) {
        int depth = Math.min(DEPTH, columns - p);
        VectorTranspose.transpose(
            x, from + p, columns, moved, depth, prepared, to, PackedTile.PITCH);
        to += sliceFloats;
      }
      row += rows;
    }
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    return Math.multiplyExact(VectorMatMul.roundUp(outputs, PackedTile.WIDTH), Math.addExact(k, 1));
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
    for (int row = fromRow; row < toRow; row += PackedTile.WIDTH) {
      int outputs = Math.min(PackedTile.WIDTH, toRow - row);
      VectorRunMatMul.packPanel(w, bias, row, outputs, PackedTile.WIDTH, packed, to, scratch);
      to += packedWeightFloats(outputs, w.columns());
    }
  }

  @Override
  public int runScratch() {
    return Math.max(VectorRunMatMul.scratchFloats(), MOST_TILES * MOST_PANELS * TILE_SUMS);
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
    int tiles = tiles(toInput - fromInput);
    int block = Math.ceilDiv(tiles, Math.max(1, Math.ceilDiv(tiles, MOST_TILES)));
    int blockInputs = block * PackedTile.HEIGHT;
    int k = inputs.size();
    int band = bandOutputs(k);
    int sliceFloats = tiles(inputs.rows()) * SLICE;
    for (int row = fromRow, panels = packedAt; row < toRow; row += band) {
      int rows = Math.min(band, toRow - row);
      for (int input = fromInput; input < toInput; input += blockInputs) {
        int count = Math.min(blockInputs, toInput - input);
        int first = xAt + input / PackedTile.HEIGHT * SLICE;
        sum(x, first, tiles(count), sliceFloats, k, packed, panels, rows, scratch);
        store(scratch, count, rows, y, yAt + input * outputs + row, outputs);
      }
      panels += packedWeightFloats(rows, k);
    }
  }

  /** Computes the sums of a block and a band, {@code [tiles, panels, HEIGHT, WIDTH]}. */
  private static void sum(
      float[] x,
      int xAt,
      int tiles,
      int sliceFloats,
      int k,
      float[] packed,
      int packedAt,
      int rows,
      float[] sums) {
    int panels = Math.ceilDiv(rows, PackedTile.WIDTH);
    int slice = xAt;
    for (int p = 0; p < k; p += DEPTH) {
      int depth = Math.min(DEPTH, k - p);
      for (int panel = 0; panel < panels; panel++) {
        int bias = packedAt + panel * PackedTile.WIDTH * (k + 1);
        int w = bias + (1 + p) * PackedTile.WIDTH;
        for (int i = 0; i < tiles; i++) {
          int tile = slice + i * SLICE;
          int c = (i * panels + panel) * TILE_SUMS;
          if (p == 0) {
            TILE.add(x, tile, packed, w, depth, packed, bias, 0, sums, c);
          } else {
            TILE.add(x, tile, packed, w, depth, sums, c, PackedTile.WIDTH, sums, c);
          }
        }
      }
      slice += sliceFloats;
    }
  }

  /** Writes sums where results go; those of places without an input or output are left out. */
  private static void store(float[] sums, int inputs, int rows, float[] y, int yAt, int outputs) {
    int panels = Math.ceilDiv(rows, PackedTile.WIDTH);
    for (int i = 0; i < inputs; i++) {
      int c =
          (i / PackedTile.HEIGHT * panels * PackedTile.HEIGHT + i % PackedTile.HEIGHT)
              * PackedTile.WIDTH;
      for (int row = 0; row < rows; row += PackedTile.WIDTH) {
        int used = Math.min(PackedTile.WIDTH, rows - row);
        System.arraycopy(sums, c, y, yAt + i * outputs + row, used);
        c += PackedTile.HEIGHT * PackedTile.WIDTH;
      }
    }
  }
}
