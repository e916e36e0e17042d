package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLines;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Products of inputs and weights as bf16; every product is exact and sums are f32. A panel of
 * weights is a row of f32 for the bias, then the panel that {@link PanelLayout} describes, one for
 * each run of a row of inputs. The order in which products are summed depends on the shapes alone.
 */
final class Bf16Loops implements RoundedLoops, RoundedLines {

  private static final int LANES = PanelLayout.LANES;

  /**
   * The numbers, or parts of them, that are summed before the next panel's turn: a second cache
   * holds what they take of a band.
   */
  private static final int DEPTH = 2048;

  /** Numbers between rows, so that the rows of a tile do not all meet in one set of a cache. */
  private static final int GAP = PanelLayout.BLOCK;

  private final Bf16Numbers numbers;
  private final Bf16Functions functions;
  private final Bf16Products products;
  private final PanelLayout layout;
  private final @Nullable Bf16Winograd winograd;
  private final int depth;

  /**
   * Creates loops.
   *
   * @param numbers what makes bf16 of weights
   * @param functions what makes bf16 of inputs
   * @param products what multiplies them
   * @param winograd what transforms to the panels and rows of these loops, or null
   */
  Bf16Loops(
      Bf16Numbers numbers,
      Bf16Functions functions,
      Bf16Products products,
      @Nullable Bf16Winograd winograd) {
    this.numbers = numbers;
    this.functions = functions;
    this.products = products;
    this.layout = products.layout();
    this.winograd = winograd;
    this.depth = DEPTH / layout.parts() / PanelLayout.BLOCK * PanelLayout.BLOCK;
  }

  @Override
  public @Nullable RoundedWinograd winograd() {
    return winograd;
  }

  @Override
  public @Nullable RoundedLines lines() {
    return products.spares() ? null : this;
  }

  @Override
  public int channelTile() {
    return PanelLayout.BLOCK;
  }

  @Override
  public int floats(int count) {
    return count / 2 * layout.parts();
  }

  @Override
  public void round(float[] x, int xAt, int count, float[] rounded, int roundedAt) {
    functions.round(
        Calls.slice(x, xAt, count), 0, Calls.slice(rounded, roundedAt, floats(count)), 0, count, 1);
  }

  @Override
  public boolean takes(DType weights) {
    return numbers.takes(weights);
  }

  @Override
  public int parts() {
    return layout.parts();
  }

  @Override
  public int leastInputs(DType weights) {
    return products.leastInputs();
  }

  @Override
  public Runs preparedRuns(int rows, int columns) {
    int apart = apart(columns);
    int[] starts = new int[rows];
    Arrays.setAll(starts, row -> row * apart);
    return new Runs(starts, rows, 1, columns, 0);
  }

  @Override
  public int preparedFloats(int rows, int columns) {
    return Math.addExact(Math.multiplyExact(rows, floats(apart(columns))), CacheLines.MOST_SKIPPED);
  }

  /** Returns the numbers from one rounded row to the next. */
  static int apart(int columns) {
    return PanelLayout.wholeBlocks(columns) + GAP;
  }

  @Override
  public void prepareInputs(
      float[] x, int xAt, Runs inputs, int fromRow, int toRow, float[] rounded, int roundedAt) {
    int columns = inputs.size();
    int apart = floats(apart(columns));
    int rows = toRow - fromRow;
    functions.round(
        Calls.slice(x, xAt + (long) fromRow * columns, (long) rows * columns),
        (long) Float.BYTES * columns,
        Calls.slice(rounded, roundedAt + (long) fromRow * apart, (long) rows * apart),
        (long) Float.BYTES * apart,
        columns,
        rows);
  }

  @Override
  public int aligned(float[] array, int at) {
    return functions.lines().next(array, at);
  }

  @Override
  public int runTile() {
    return products.rows();
  }

  @Override
  public int weightTile() {
    return layout.width();
  }

  @Override
  public int bandOutputs(int k) {
    return products.bandOutputs();
  }

  @Override
  public int packedWeightFloats(int outputs, int k) {
    int staging = LANES * floats(PanelLayout.wholeBlocks(k));
    return Math.addExact(stagingAt(outputs, k), staging + CacheLines.MOST_SKIPPED);
  }

  /** Rows on their way into a panel lie behind all panels. */
  private int stagingAt(int outputs, int k) {
    return Math.multiplyExact(Math.ceilDiv(outputs, layout.width()), panelFloats(k));
  }

  private int panelFloats(int k) {
    return Math.addExact(layout.width(), layout.floats(k));
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
    int width = layout.width();
    int panelFloats = panelFloats(w.columns());
    int staging = packedAt + stagingAt(toRow - fromRow, w.columns());
    for (int row = fromRow; row < toRow; row += LANES) {
      int outputs = Math.min(LANES, toRow - row);
      int panel = packedAt + (row - fromRow) / width * panelFloats;
      int biasAt = panel + (row - fromRow) % width;
      Arrays.fill(packed, biasAt, biasAt + LANES, 0);
      if (bias != null) {
        System.arraycopy(bias, row, packed, biasAt, outputs);
      }
      int groupAt = packedAt + width + layout.groupAt(row - fromRow, panelFloats);
      numbers.pack(w, row, outputs, packed, groupAt, staging);
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
    int runs = Math.max(1, depth / inputs.length());
    for (int input = fromInput; input < toInput; input += products.mostRows()) {
      int rows = Math.min(products.mostRows(), toInput - input);
      for (int run = 0; run < inputs.runs(); run += runs) {
        for (int p = 0; p < inputs.length(); p += depth) {
          multiply(
              x,
              xAt,
              inputs,
              run,
              Math.min(runs, inputs.runs() - run),
              input,
              rows,
              p,
              packed,
              packedAt,
              fromRow,
              toRow,
              y,
              yAt + input * outputs,
              outputs);
        }
      }
    }
  }

  /** Adds a part of the sums of some inputs and all outputs. */
  private void multiply(
      float[] x,
      int xAt,
      Runs inputs,
      int run,
      int runs,
      int input,
      int rows,
      int first,
      float[] packed,
      int packedAt,
      int fromRow,
      int toRow,
      float[] y,
      int yAt,
      int outputs) {
    int width = layout.width();
    int runFloats = layout.floats(inputs.length());
    int panelFloats = width + inputs.runs() * runFloats;
    int[] starts = inputs.starts();
    int apart = floats(inputs.rows() > 1 ? starts[1] - starts[0] : apart(inputs.length()));
    int runsApart = floats(inputs.apart());
    int count = Math.min(depth, inputs.length() - first);
    MemorySegment some =
        Calls.slice(
            x,
            xAt + (long) input * apart + (long) run * runsApart + floats(first),
            (rows - 1L) * apart + (runs - 1L) * runsApart + floats(PanelLayout.wholeBlocks(count)));
    int used = toRow - fromRow;
    MemorySegment sums = Calls.slice(y, yAt + fromRow, (rows - 1L) * outputs + used);
    boolean begins = run == 0 && first == 0;
    int weights = width + run * runFloats + layout.floats(first);
    long panelsAfter = (long) (Math.ceilDiv(used, width) - 1) * panelFloats;
    products.multiply(
        some,
        (long) Float.BYTES * apart,
        runs,
        (long) Float.BYTES * runsApart,
        Calls.slice(
            packed,
            packedAt + weights,
            panelsAfter + (runs - 1L) * runFloats + layout.floats(count)),
        (long) Float.BYTES * panelFloats,
        begins ? Calls.slice(packed, packedAt, panelsAfter + width) : sums,
        begins ? 0 : (long) Float.BYTES * outputs,
        (long) Float.BYTES * (begins ? panelFloats : width),
        sums,
        (long) Float.BYTES * outputs,
        count,
        rows,
        used);
  }
}
