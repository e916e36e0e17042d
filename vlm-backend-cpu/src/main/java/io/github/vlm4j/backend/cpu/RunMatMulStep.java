package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import java.util.Arrays;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer or a convolution of many inputs, read where they lie. A part of the work is a band
 * of inputs by a band of outputs; each thread lays out the weights of a band in memory of its own,
 * once for all bands of inputs that it computes after each other.
 */
final class RunMatMulStep implements Step, Workers.Task {

  /** Inputs that stay in a third cache while all outputs are computed. */
  private static final int MOST_BAND_INPUTS = 1024;

  /** More parts than threads even out cores of unequal speed. */
  private static final int PARTS_PER_THREAD = 4;

  /** Multiplications below which another part does not pay. */
  private static final long LEAST_PRODUCTS = 1 << 20;

  private final Team team;
  private final RunLoops loops;
  private final Supplier<float[]> x;
  private final IntSupplier xAt;
  private final Runs inputs;
  private final Matrix weight;
  private final float @Nullable [] bias;
  private final Supplier<float[]> y;
  private final IntSupplier yAt;
  private final Bands inputBands;
  private final Bands outputBands;

  /** The band of outputs whose weights a thread has laid out last in this run. */
  private final int[] packedBand;

  /** Where they begin in the thread's scratch. */
  private final int[] packedAt;

  /**
   * Lowers a product.
   *
   * @param loops what multiplies inputs that lie as {@code inputs} says
   * @param x the array that holds the inputs, as of this run
   * @param xAt what the inputs' starts are counted from
   * @param y the array that receives the results, as of this run
   * @param yAt where they begin
   */
  RunMatMulStep(
      Team team,
      RunLoops loops,
      Supplier<float[]> x,
      IntSupplier xAt,
      Runs inputs,
      Matrix weight,
      float @Nullable [] bias,
      Supplier<float[]> y,
      IntSupplier yAt) {
    this.team = team;
    this.loops = loops;
    this.x = x;
    this.xAt = xAt;
    this.inputs = inputs;
    this.weight = weight;
    this.bias = bias;
    this.y = y;
    this.yAt = yAt;
    int columns = Math.max(1, inputs.size());
    this.outputBands = outputBands(columns);
    this.inputBands = inputBands(columns);
    this.packedBand = new int[team.workers().size()];
    this.packedAt = new int[team.workers().size()];
    team.scratch()
        .require((long) loops.runScratch() + loops.packedWeightFloats(outputBands.size(), columns));
  }

  /** Returns the parts that even out cores of unequal speed. */
  private int partsWanted() {
    int threads = team.workers().size();
    return threads == 1 ? 1 : PARTS_PER_THREAD * threads;
  }

  /**
   * Cuts the outputs so that the weights of a band stay cached, and so that all threads have work
   * unless there are inputs enough for that: cutting these has weights laid out several times.
   */
  private Bands outputBands(int columns) {
    int tile = loops.weightTile();
    int tiles = Math.max(1, Math.ceilDiv(weight.rows(), tile));
    int cached = loops.bandOutputs(columns) / tile;
    boolean fewInputs = inputs.rows() < (long) MOST_BAND_INPUTS * team.workers().size();
    int bandTiles = Math.min(cached, fewInputs ? Math.max(1, tiles / partsWanted()) : tiles);
    return new Bands(weight.rows(), Math.min(bandTiles * tile, Math.max(1, weight.rows())));
  }

  /** Cuts the inputs so that all threads have the same work, if there are bands of outputs few. */
  private Bands inputBands(int columns) {
    int tile = loops.runTile();
    int rows = Math.max(1, inputs.rows());
    int bands =
        Math.max(
            Math.ceilDiv(partsWanted(), Math.max(1, outputBands.count())),
            Math.ceilDiv(rows, MOST_BAND_INPUTS));
    int even = bands == 1 ? 1 : Math.ceilDiv(bands, team.workers().size()) * team.workers().size();
    long least = LEAST_PRODUCTS / columns / outputBands.size();
    long size = Math.clamp(Math.ceilDiv(rows, even), Math.min(least, rows), rows);
    return new Bands(inputs.rows(), Math.ceilDiv((int) size, tile) * tile);
  }

  /** Returns the number of parts of a run. */
  int parts() {
    return inputBands.count() * outputBands.count();
  }

  /** Begins a run: nothing is laid out yet. */
  void begin() {
    Arrays.fill(packedBand, -1);
  }

  @Override
  public void run() {
    begin();
    team.workers().run(parts(), this);
  }

  @Override
  public void run(int part, int worker) {
    // Threads write rows of their own, and what they lay out serves several parts in a row.
    int inputBand = part % inputBands.count();
    int outputBand = outputBands.far(part / inputBands.count(), team.workers().size());
    int from = outputBands.from(outputBand);
    int to = outputBands.to(outputBand);
    float[] scratch = team.scratch().array(worker);
    if (packedBand[worker] != outputBand) {
      packedAt[worker] = loops.aligned(scratch, loops.runScratch());
      loops.packWeights(weight, bias, from, to, scratch, packedAt[worker], scratch);
      packedBand[worker] = outputBand;
    }
    loops.multiplyRuns(
        x.get(),
        xAt.getAsInt(),
        inputs,
        inputBands.from(inputBand),
        inputBands.to(inputBand),
        scratch,
        packedAt[worker],
        from,
        to,
        y.get(),
        yAt.getAsInt(),
        weight.rows(),
        scratch);
  }
}
