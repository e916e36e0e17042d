package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Patches;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import org.jspecify.annotations.Nullable;

/**
 * A convolution with kernels of three by three, as products of transformed windows and kernels (see
 * {@link Winograd}). First all threads transform the kernels and lay them out, a part being a band
 * of outputs. Then each takes blocks of windows, transforms them, multiplies them with all kernels
 * and transforms the sums, all of it in memory of its own that stays in the second cache.
 */
final class WinogradStep implements Step {

  /** With fewer channels the transforms of windows and results cost more than they spare. */
  private static final int LEAST_CHANNELS = 16;

  /** With fewer places kernels are transformed for too few windows. */
  private static final int LEAST_PLACES = 160;

  /** Floats of transformed windows, half of a second cache. */
  private static final int BLOCK_FLOATS = 1 << 17;

  private final Team team;
  private final RunLoops runs;
  private final Winograd winograd;
  private final Span x;
  private final Matrix weight;
  private final Span y;
  private final Patches windows;
  private final Patches places;
  private final Bands blocks;
  private final Bands bands;
  private final float @Nullable [] bias;
  private final Runs inputs;
  private final int channels;
  private final int panelFloats;

  private WinogradStep(
      Team team,
      Patches places,
      Span x,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int pictures) {
    this.team = team;
    this.runs = team.runs();
    this.winograd = team.kernels().winograd();
    this.x = x;
    this.weight = weight;
    this.y = y;
    this.places = places;
    this.channels = places.channels();
    int down = Math.ceilDiv(places.outHeight(), Winograd.RESULTS);
    int across = Math.ceilDiv(places.outWidth(), Winograd.RESULTS);
    this.windows =
        new Patches(
            places.height(),
            places.width(),
            channels,
            Winograd.WINDOW,
            Winograd.WINDOW,
            Winograd.RESULTS,
            places.padding(),
            down,
            across);
    int outputs = weight.rows();
    this.bands = new Bands(outputs, Math.min(outputs, runs.weightTile()));
    this.blocks = blocks(pictures * down * across);
    this.inputs = Runs.dense(blocks.size(), channels, runs.runTile());
    this.bias = bias;
    this.panelFloats = runs.packedWeightFloats(bands.size(), channels);
    team.packed().require((long) bands.count() * Winograd.POINTS * panelFloats);
    team.scratch().require(sumsAt() + (long) sumsFloats());
    team.scratch().require(winograd.packScratch(bands.size(), channels));
  }

  /**
   * Returns the step if it pays, and null if the convolution has another kernel or is too small for
   * transformed kernels to be used often enough.
   *
   * @param places where the kernels are applied
   * @param weight {@code [out, 3 · 3 · channels]}
   * @param pictures how many
   */
  static @Nullable Step of(
      Team team,
      Patches places,
      Span x,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int pictures) {
    boolean applies =
        places.kernelHeight() == Winograd.KERNEL
            && places.kernelWidth() == Winograd.KERNEL
            && places.stride() == 1
            && places.channels() >= LEAST_CHANNELS
            && weight.rows() >= LEAST_CHANNELS
            && (long) pictures * places.outHeight() * places.outWidth() >= LEAST_PLACES;
    return applies ? new WinogradStep(team, places, x, weight, bias, y, pictures) : null;
  }

  /** Cuts the windows so that a block stays cached and all threads have the same work. */
  private Bands blocks(int count) {
    int tile = runs.runTile();
    int most = Math.max(tile, BLOCK_FLOATS / Winograd.POINTS / channels / tile * tile);
    int threads = team.workers().size();
    int even = Math.ceilDiv(Math.ceilDiv(count, most), threads) * threads;
    return new Bands(count, Math.ceilDiv(Math.ceilDiv(count, even), tile) * tile);
  }

  /** A thread's memory: what products need, a window at the border, transformed windows, sums. */
  private int windowAt() {
    return runs.runScratch();
  }

  private int transformedAt() {
    return windowAt() + windows.size();
  }

  private int sumsAt() {
    return transformedAt() + Winograd.POINTS * blocks.size() * channels;
  }

  private int sumsFloats() {
    return Winograd.POINTS * blocks.size() * bands.size();
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this::layOutKernels);
    team.workers().run(blocks.count(), this::convolve);
  }

  private void layOutKernels(int band, int worker) {
    winograd.packKernels(
        weight,
        bias,
        bands.from(band),
        bands.to(band),
        team.packed().array(0),
        panelAt(band, 0),
        panelFloats,
        team.scratch().array(worker));
  }

  private int panelAt(int band, int point) {
    return (band * Winograd.POINTS + point) * panelFloats;
  }

  private void convolve(int block, int worker) {
    float[] scratch = team.scratch().array(worker);
    int first = blocks.from(block);
    int count = blocks.to(block) - first;
    int apart = blocks.size() * channels;
    for (int i = 0; i < count; i++) {
      transformWindow(first + i, scratch, transformedAt() + i * channels, apart);
    }
    for (int band = 0; band < bands.count(); band++) {
      int outputs = bands.to(band) - bands.from(band);
      int sums = blocks.size() * outputs;
      for (int point = 0; point < Winograd.POINTS; point++) {
        runs.multiplyRuns(
            scratch,
            transformedAt() + point * apart,
            inputs,
            0,
            count,
            team.packed().array(0),
            panelAt(band, point),
            0,
            outputs,
            scratch,
            sumsAt() + point * sums,
            outputs,
            scratch);
      }
      for (int i = 0; i < count; i++) {
        transformSums(first + i, scratch, sumsAt() + i * outputs, sums, band, outputs);
      }
    }
  }

  private void transformWindow(int window, float[] scratch, int to, int apart) {
    int top = windows.top(window);
    int left = windows.left(window);
    boolean inside =
        top >= 0
            && left >= 0
            && top + Winograd.WINDOW <= windows.height()
            && left + Winograd.WINDOW <= windows.width();
    if (inside) {
      int line = windows.width() * channels;
      int at =
          x.at()
              + ((windows.picture(window) * windows.height() + top) * windows.width() + left)
                  * channels;
      winograd.window(x.floats(), at, channels, line, channels, scratch, to, apart);
    } else {
      windows.copy(x.floats(), x.at(), window, 0, windows.size(), scratch, windowAt());
      int line = Winograd.WINDOW * channels;
      winograd.window(scratch, windowAt(), channels, line, channels, scratch, to, apart);
    }
  }

  private void transformSums(
      int window, float[] scratch, int at, int apart, int band, int outputs) {
    int row = window / windows.outWidth() % windows.outHeight() * Winograd.RESULTS;
    int column = window % windows.outWidth() * Winograd.RESULTS;
    int place = (windows.picture(window) * places.outHeight() + row) * places.outWidth() + column;
    int pixel = column + 1 < places.outWidth() ? weight.rows() : 0;
    int line = row + 1 < places.outHeight() ? places.outWidth() * weight.rows() : 0;
    int to = y.at() + place * weight.rows() + bands.from(band);
    winograd.results(scratch, at, apart, outputs, y.floats(), to, pixel, line);
  }
}
