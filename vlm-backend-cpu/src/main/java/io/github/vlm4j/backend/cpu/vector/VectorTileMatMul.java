package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times matrix with vectors that run along the inputs, which are transposed into panels once
 * for all outputs, while weights, of which there are more, keep the order in which they are stored
 * and are broadcast: laying them out is decoding them.
 *
 * <p>The loops nest so that a slice of a panel of inputs ({@link PackedTile#DEPTH} × {@link
 * PackedTile#WIDTH}) stays in the first cache while the outputs of a band pass, their slice in the
 * second while the panels of a block pass, and the sums of all these in the scratch, next to each
 * other. Both factors are therefore cut into slices first: inputs are {@code [slices, panels,
 * DEPTH, WIDTH]}, weights {@code [slices, outputs, DEPTH]} behind their bias, {@code [outputs]}.
 */
final class VectorTileMatMul implements PreparedLoops {

  private static final int L = Lanes.COUNT;
  private static final int HEIGHT = PackedTile.HEIGHT;
  private static final int WIDTH = PackedTile.WIDTH;
  private static final int DEPTH = PackedTile.DEPTH;

  /** Floats of a slice of a panel of inputs. */
  private static final int PANEL_SLICE = DEPTH * WIDTH;

  /** Floats of weights that are laid out together and mostly stay in the second cache. */
  private static final int BAND_FLOATS = 1 << 17;

  /** Fewer outputs would have all inputs read too often, from a third cache or memory. */
  private static final int LEAST_BAND = 120;

  /** Sums of a band and a block, at most, which stay in the second cache. */
  private static final int MOST_SUMS = 60 << 10;

  /** Outputs of a band, at most. */
  private static final int MOST_BAND = 192;

  /** Columns that are decoded together: whole slices, and whole blocks of any type. */
  private static final int DECODED = 8 * DEPTH;

  /** Inputs whose results are written together: lines that many are not too far apart. */
  private static final int STORED = 4;

  /** Fewer inputs are multiplied sooner as they lie, by numbers that are decoded for each. */
  private static final int LEAST_INPUTS = 9;

  /** The same for weights in blocks, which take longer to decode. */
  private static final int LEAST_INPUTS_OF_BLOCKS = 8;

  @Override
  public int leastInputs(DType weights) {
    return weights.isQuantised() ? LEAST_INPUTS_OF_BLOCKS : LEAST_INPUTS;
  }

  @Override
  public int runTile() {
    return WIDTH;
  }

  @Override
  public int weightTile() {
    return PackedTile.TALL;
  }

  @Override
  public int bandOutputs(int k) {
    return Math.clamp(BAND_FLOATS / Math.max(1, k), LEAST_BAND, MOST_BAND)
        / weightTile()
        * weightTile();
  }

  @Override
  public int aligned(float[] array, int at) {
    return ArrayLines.next(array, at);
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    return Runs.dense(rows, columns, 1);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    int floats = Math.multiplyExact(Math.multiplyExact(slices(columns), panels(rows)), PANEL_SLICE);
    return Math.addExact(floats, ArrayLines.MOST_SKIPPED);
  }

  private static int slices(int columns) {
    return Math.ceilDiv(columns, DEPTH);
  }

  private static int panels(int rows) {
    return Math.ceilDiv(rows, WIDTH);
  }

  /** Returns the outputs that are computed for so many: those that are added are not stored. */
  private static int computed(int outputs) {
    return Math.ceilDiv(outputs, PackedTile.TALL) * PackedTile.TALL;
  }

  @Override
  public int preparedTogether() {
    return L;
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] prepared, int preparedAt) {
    int columns = inputs.size();
    int panels = panels(inputs.rows());
    for (int row = fromRow; row < toRow; ) {
      int place = row % WIDTH;
      int rows = Math.min(WIDTH - place, toRow - row);
      int from = xAt + row * columns;
      int to = preparedAt + row / WIDTH * PANEL_SLICE + place;
      for (int p = 0; p < columns; p += DEPTH) {
        int depth = Math.min(DEPTH, columns - p);
        VectorTranspose.transpose(x, from + p, columns, rows, depth, prepared, to, WIDTH);
        to += panels * PANEL_SLICE;
      }
      row += rows;
    }
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int output = Math.addExact(Math.multiplyExact(slices(k), DEPTH), 1);
    return Math.addExact(Math.multiplyExact(computed(outputs), output), ArrayLines.MOST_SKIPPED);
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
    int outputs = toRow - fromRow;
    int biases = computed(outputs);
    int slice = biases * DEPTH;
    if (bias == null) {
      Arrays.fill(packed, packedAt, packedAt + biases, 0);
    } else {
      System.arraycopy(bias, fromRow, packed, packedAt, outputs);
    }
    for (int i = 0; i < outputs; i++) {
      packRow(w, fromRow + i, packed, packedAt + biases + i * DEPTH, slice, scratch);
    }
    for (int i = outputs; i < biases; i++) {
      for (int p = 0; p < slices(w.columns()); p++) {
        int at = packedAt + biases + p * slice + i * DEPTH;
        Arrays.fill(packed, at, at + DEPTH, 0);
      }
    }
  }

  private static void packRow(
      Matrix w, int row, float[] packed, int packedAt, int slice, float[] scratch) {
    int k = w.columns();
    int to = packedAt;
    if (DEPTH % w.dtype().blockElements() == 0) {
      for (int p = 0; p < k; p += DEPTH) {
        Weights.read(w, row, p, Math.min(DEPTH, k - p), packed, to);
        to += slice;
      }
      return;
    }
    for (int p = 0; p < k; p += DECODED) {
      int decoded = Math.min(DECODED, k - p);
      Weights.read(w, row, p, decoded, scratch, 0);
      for (int part = 0; part < decoded; part += DEPTH) {
        System.arraycopy(scratch, part, packed, to, Math.min(DEPTH, decoded - part));
        to += slice;
      }
    }
  }

  @Override
  public int runScratch() {
    return Math.max(DECODED, MOST_SUMS);
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
    int packedOutputs = computed(toRow - fromRow);
    int weights = packedAt + packedOutputs;
    for (int row = fromRow; row < toRow; row += MOST_BAND) {
      int rows = Math.min(MOST_BAND, toRow - row);
      int computed = computed(rows);
      int block = MOST_SUMS / computed / WIDTH * WIDTH;
      int first = row - fromRow;
      for (int input = fromInput; input < toInput; input += block) {
        int count = Math.min(block, toInput - input);
        fill(packed, packedAt + first, computed, panels(count), scratch);
        sum(
            x,
            xAt + input / WIDTH * PANEL_SLICE,
            count,
            panels(inputs.rows()) * PANEL_SLICE,
            inputs.size(),
            packed,
            weights + first * DEPTH,
            computed,
            packedOutputs * DEPTH,
            scratch);
        store(scratch, count, rows, y, yAt + input * outputs + row, outputs);
      }
    }
  }

  /** Begins sums, {@code [panels, outputs, WIDTH]}, with the bias of their outputs. */
  private static void fill(float[] biases, int at, int outputs, int panels, float[] sums) {
    int to = 0;
    for (int panel = 0; panel < panels; panel++) {
      for (int i = 0; i < outputs; i++) {
        Arrays.fill(sums, to, to + WIDTH, biases[at + i]);
        to += WIDTH;
      }
    }
  }

  private static void sum(
      float[] x,
      int xAt,
      int inputs,
      int inputSlice,
      int k,
      float[] packed,
      int packedAt,
      int outputs,
      int weightSlice,
      float[] sums) {
    int panels = panels(inputs);
    for (int p = 0, slice = 0; p < k; p += DEPTH, slice++) {
      int depth = Math.min(DEPTH, k - p);
      int w = packedAt + slice * weightSlice;
      for (int panel = 0; panel < panels; panel++) {
        int from = xAt + slice * inputSlice + panel * PANEL_SLICE;
        int used = Math.min(WIDTH, inputs - panel * WIDTH);
        int c = panel * outputs * WIDTH;
        int done = 0;
        if (used > WIDTH - L) {
          add(PackedTile.CHOSEN, packed, w, x, from, depth, outputs, sums, c);
          done = WIDTH;
        } else if (used > L) {
          add(PackedTile.NARROW, packed, w, x, from, depth, outputs, sums, c);
          done = 2 * L;
        }
        if (done < used) {
          addVector(packed, w, x, from + done, depth, outputs, sums, c + done);
        }
      }
    }
  }

  private static void add(
      PackedTile tile,
      float[] packed,
      int w,
      float[] x,
      int from,
      int depth,
      int outputs,
      float[] sums,
      int c) {
    for (int i = 0; i < outputs; i += HEIGHT) {
      tile.add(packed, w + i * DEPTH, x, from, depth, sums, c + i * WIDTH);
    }
  }

  private static void addVector(
      float[] packed, int w, float[] x, int from, int depth, int outputs, float[] sums, int c) {
    for (int i = 0; i < outputs; i += PackedTile.TALL) {
      PackedTile.addVector(packed, w + i * DEPTH, x, from, depth, sums, c + i * WIDTH);
    }
  }

  /** Writes sums where results go, an input's side by side. */
  private static void store(float[] sums, int inputs, int rows, float[] y, int yAt, int outputs) {
    int panelSums = computed(rows) * WIDTH;
    for (int i = 0; i < inputs; i += STORED) {
      int from = i / WIDTH * panelSums + i % WIDTH;
      int some = Math.min(STORED, inputs - i);
      VectorTranspose.transpose(sums, from, WIDTH, rows, some, y, yAt + i * outputs, outputs);
    }
  }
}
