package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Patches;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A convolution with kernels of three by three, as products of transformed windows and lines of
 * kernels that are rounded once they are transformed (see {@link RoundedWinograd}). Threads take
 * turns at transforming the lines of some pictures, those of their padding included, into memory
 * that all of them read, and at multiplying them: a part of that is a block of lines of results by
 * a band of outputs.
 */
final class RoundedWinogradStep implements Step {

  /** With fewer channels the transforms cost more than they spare. */
  private static final int LEAST_CHANNELS = 16;

  private static final int POINTS = RoundedWinograd.POINTS;

  /** Numbers of transformed windows that are held at once, of a whole picture at least. */
  private static final int MOST_NUMBERS = 1 << 20;

  /** Floats of sums that stay in a second cache until they are transformed. */
  private static final int SUMS = 1 << 16;

  /** More parts than threads even out cores of unequal speed. */
  private static final int PARTS_PER_THREAD = 4;

  /** Fewer would leave threads idle while others compute the last bands. */
  private static final int LEAST_BANDS_PER_THREAD = 2;

  /** Floats of a line of a cache; what had best begin one may lie that much further on. */
  private static final int LINE = 16;

  private final Team team;
  private final RoundedLoops loops;
  private final RoundedWinograd winograd;
  private final Patches places;
  private final Span x;
  private final Matrix weight;
  private final float @Nullable [] bias;
  private final Span y;
  private final int channels;

  /** The pictures whose windows are held at once, and all of them. */
  private final Bands pictures;

  private final Bands bands;

  /** The lines of results of a picture. */
  private final Bands lines;

  /** The windows of a line. */
  private final int across;

  /** The windows of some pictures. */
  private final int held;

  /** Where windows lie, those of the pictures for each point; a kernel sees three lines of them. */
  private final Runs inputs;

  private final int panelFloats;

  /**
   * Whether a part of the products is a band of outputs with all windows, of which there are few.
   * Then a thread lays the band's kernels out itself, just before, and has them in its own cache.
   */
  private final boolean bandByBand;

  private int windowsAt;
  private int panelsAt;
  private int firstPicture;
  private int pictureCount;

  /**
   * Lowers a convolution.
   *
   * @param places where the kernels are applied; they have to {@link #suit}
   * @param weight {@code [out, 3 · 3 · channels]}
   * @param count the number of pictures
   */
  RoundedWinogradStep(
      Team team,
      RoundedLoops loops,
      RoundedWinograd winograd,
      Patches places,
      Span x,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int count) {
    this.team = team;
    this.loops = loops;
    this.winograd = winograd;
    this.places = places;
    this.x = x;
    this.weight = weight;
    this.bias = bias;
    this.y = y;
    this.channels = places.channels();
    this.across = Math.ceilDiv(places.outWidth(), RoundedWinograd.RESULTS);
    int each = Math.multiplyExact(paddedHeight(), across);
    int most = (int) Math.max(1, MOST_NUMBERS / POINTS / ((long) each * channels));
    this.pictures = new Bands(count, Math.min(count, most));
    this.held = Math.multiplyExact(pictures.size(), each);
    Runs rows = loops.preparedRuns(Math.multiplyExact(POINTS, held), channels);
    this.inputs =
        new Runs(
            rows.starts(),
            rows.rows(),
            RoundedWinograd.KERNEL,
            channels,
            rows.starts()[across] - rows.starts()[0]);
    this.bands = new Bands(weight.rows(), Math.min(weight.rows(), loops.weightTile()));
    this.lines = lines();
    this.panelFloats = winograd.panelFloats(channels);
    this.bandByBand =
        pictures.count() == 1 && bands.count() >= LEAST_BANDS_PER_THREAD * team.workers().size();
    long panels = (long) POINTS * panelFloats;
    long rounded = loops.preparedFloats(inputs.rows(), channels);
    team.packed().require(rounded + (bandByBand ? 0 : bands.count() * panels) + LINE);
    team.scratch().require(ownPanelsAt() + (bandByBand ? panels : 0) + LINE);
    team.scratch().require((long) RoundedWinograd.WINDOW * channels);
  }

  /** Returns whether a convolution has such kernels in bf16, and channels enough to pay. */
  static boolean suit(Patches places, Matrix weight) {
    return weight.dtype() == DType.BF16
        && places.kernelHeight() == RoundedWinograd.KERNEL
        && places.kernelWidth() == RoundedWinograd.KERNEL
        && places.stride() == 1
        && places.channels() >= LEAST_CHANNELS
        && weight.rows() >= LEAST_CHANNELS;
  }

  private int paddedHeight() {
    return places.height() + 2 * places.padding();
  }

  /** Cuts the lines of a picture so that sums stay cached and all threads have work. */
  private Bands lines() {
    int most = Math.max(1, SUMS / POINTS / bands.size() / across);
    int parts = team.workers().size() == 1 ? 1 : PARTS_PER_THREAD * team.workers().size();
    int blocks =
        Math.max(Math.ceilDiv(places.outHeight(), most), parts / bands.count() / pictures.size());
    return new Bands(places.outHeight(), Math.ceilDiv(places.outHeight(), Math.max(1, blocks)));
  }

  private int sumsAt() {
    return loops.runScratch();
  }

  /** Where a thread's own panels begin, behind what it needs to lay them out and for sums. */
  private int ownPanelsAt() {
    int sums = sumsAt() + LINE + POINTS * lines.size() * across * bands.size();
    return Math.max(sums, winograd.packScratch(channels));
  }

  @Override
  public void run() {
    float[] shared = team.packed().array(0);
    windowsAt = loops.aligned(shared, 0);
    if (!bandByBand) {
      panelsAt = loops.aligned(shared, loops.preparedFloats(inputs.rows(), channels));
      team.workers().run(Math.ceilDiv(weight.rows(), winograd.kernelTile()), this::layOutKernels);
    }
    for (int some = 0; some < pictures.count(); some++) {
      firstPicture = pictures.from(some);
      pictureCount = pictures.to(some) - firstPicture;
      team.workers().run(pictureCount * paddedHeight(), this::transformLine);
      if (bandByBand) {
        team.workers().run(bands.count(), this::multiplyBand);
      } else {
        team.workers().run(blocks() * bands.count(), this::multiplyBlock);
      }
    }
  }

  private int blocks() {
    return pictureCount * lines.count();
  }

  private int panelsAt(int band) {
    return panelsAt + band * POINTS * panelFloats;
  }

  private void layOutKernels(int part, int worker) {
    int from = part * winograd.kernelTile();
    int band = from / bands.size();
    float[] scratch = team.scratch().array(worker);
    layOutKernels(band, from, team.packed().array(0), panelsAt(band), scratch);
  }

  private void layOutKernels(int band, int from, float[] panels, int at, float[] scratch) {
    int to = Math.min(from + winograd.kernelTile(), bands.to(band));
    winograd.packKernels(weight, bias, bands.from(band), from, to, panels, at, scratch);
  }

  /** Transforms the windows of a line of a padded picture. */
  private void transformLine(int line, int worker) {
    int row = line % paddedHeight() - places.padding();
    int to = line * across;
    float[] scratch = team.scratch().array(worker);
    if (row < 0 || row >= places.height()) {
      Arrays.fill(scratch, 0, RoundedWinograd.WINDOW * channels, 0);
      for (int i = 0; i < across; i++) {
        transform(scratch, 0, 1, to + i);
      }
      return;
    }
    int picture = firstPicture + line / paddedHeight();
    int at = x.at() + (picture * places.height() + row) * places.width() * channels;
    for (int i = 0; i < across; ) {
      int left = i * RoundedWinograd.RESULTS - places.padding();
      int room = places.width() - RoundedWinograd.WINDOW - left;
      if (left >= 0 && room >= 0) {
        int inside = Math.min(room / RoundedWinograd.RESULTS + 1, across - i);
        transform(x.floats(), at + left * channels, inside, to + i);
        i += inside;
      } else {
        copyWindow(at, left, scratch);
        transform(scratch, 0, 1, to + i);
        i++;
      }
    }
  }

  /** Copies a window, with zeros where it is outside the picture. */
  private void copyWindow(int line, int left, float[] to) {
    int from = Math.clamp(-(long) left, 0, RoundedWinograd.WINDOW);
    int end = Math.clamp((long) places.width() - left, from, RoundedWinograd.WINDOW);
    Arrays.fill(to, 0, from * channels, 0);
    if (from < end) {
      int at = line + (left + from) * channels;
      System.arraycopy(x.floats(), at, to, from * channels, (end - from) * channels);
    }
    Arrays.fill(to, end * channels, RoundedWinograd.WINDOW * channels, 0);
  }

  private void transform(float[] pixels, int at, int count, int to) {
    winograd.windows(pixels, at, channels, count, team.packed().array(0), windowsAt, to, held);
  }

  private void multiplyBand(int band, int worker) {
    float[] scratch = team.scratch().array(worker);
    int panels = loops.aligned(scratch, ownPanelsAt());
    for (int from = bands.from(band); from < bands.to(band); from += winograd.kernelTile()) {
      layOutKernels(band, from, scratch, panels, scratch);
    }
    for (int block = 0; block < blocks(); block++) {
      multiply(block, band, scratch, panels, scratch);
    }
  }

  private void multiplyBlock(int part, int worker) {
    int band = part / blocks();
    float[] scratch = team.scratch().array(worker);
    multiply(part % blocks(), band, team.packed().array(0), panelsAt(band), scratch);
  }

  private void multiply(int block, int band, float[] panels, int panelsFrom, float[] scratch) {
    int picture = block / lines.count();
    int firstLine = lines.from(block % lines.count());
    int count = lines.to(block % lines.count()) - firstLine;
    int outputs = bands.to(band) - bands.from(band);
    int sums = loops.aligned(scratch, sumsAt());
    int apart = count * across * outputs;
    int first = (picture * paddedHeight() + firstLine) * across;
    for (int point = 0; point < POINTS; point++) {
      int row = point * held + first;
      loops.multiplyRuns(
          team.packed().array(0),
          windowsAt,
          inputs,
          row,
          row + count * across,
          panels,
          panelsFrom + point * panelFloats,
          0,
          outputs,
          scratch,
          sums + point * apart - row * outputs,
          outputs,
          scratch);
    }
    int line = (firstPicture + picture) * places.outHeight() + firstLine;
    for (int i = 0; i < count; i++) {
      int from = sums + i * across * outputs;
      transformSums(scratch, from, apart, line + i, bands.from(band), outputs);
    }
  }

  /** Transforms the sums of a line of results, some outputs of it. */
  private void transformSums(
      float[] sums, int at, int apart, int line, int firstOutput, int outputs) {
    int all = weight.rows();
    int to = y.at() + line * places.outWidth() * all + firstOutput;
    int whole = places.outWidth() / RoundedWinograd.RESULTS;
    if (whole > 0) {
      winograd.results(sums, at, apart, outputs, whole, y.floats(), to, all);
    }
    if (whole < across) {
      int last = to + whole * RoundedWinograd.RESULTS * all;
      winograd.results(sums, at + whole * outputs, apart, outputs, 1, y.floats(), last, 0);
    }
  }
}
