package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Patches;
import io.github.vlm4j.backend.cpu.kernel.RoundedLines;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A convolution as a product with rounded pictures, read where they lie: what a kernel sees at a
 * place is a run of pixels for each of its lines. Neighbouring places are a pixel apart, from the
 * end of a line to the beginning of the next, too: lines share the zeros between them, and so do
 * pictures. What is computed at these zeros is left out of the result.
 */
final class RoundedConvolveStep implements Step {

  /** Numbers of results that are held at once, of a whole picture at least. */
  private static final int MOST_NUMBERS = 1 << 21;

  /** Floats of a line of a cache; what had best begin one may lie that much further on. */
  private static final int LINE = 16;

  private final Team team;
  private final RoundedLoops loops;
  private final RoundedLines rounding;
  private final Patches places;
  private final Span x;
  private final @Nullable Elements elements;
  private final Matrix weight;
  private final float @Nullable [] bias;
  private final Span y;
  private final int outputs;

  /** The pictures that are held at once, and all of them. */
  private final Bands pictures;

  private final RunMatMulStep multiply;

  /** For the last pictures, if they are fewer. */
  private final RunMatMulStep multiplyLast;

  private int pixelsAt;
  private int resultsAt;
  private int firstPicture;

  /**
   * Lowers a convolution.
   *
   * @param places where the kernels are applied; they have to {@link #suit}
   * @param elements computes the pictures, which are not in {@code x} then, or null
   * @param weight {@code [out, kernelHeight · kernelWidth · channels]}
   * @param count the number of pictures
   */
  RoundedConvolveStep(
      Team team,
      RoundedLoops loops,
      RoundedLines rounding,
      Patches places,
      Span x,
      @Nullable Elements elements,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int count) {
    this.team = team;
    this.loops = loops;
    this.rounding = rounding;
    this.places = places;
    this.x = x;
    this.elements = elements;
    this.weight = weight;
    this.bias = bias;
    this.y = y;
    this.outputs = weight.rows();
    long each = (long) linesOfPicture() * line() * Math.max(outputs, places.channels());
    this.pictures = new Bands(count, Math.clamp(MOST_NUMBERS / each, 1, count));
    this.multiply = product(pictures.size());
    int last = pictures.count() - 1;
    int left = pictures.to(last) - pictures.from(last);
    this.multiplyLast = left == pictures.size() ? multiply : product(left);
    team.packed()
        .require((long) pixelFloats() + Math.multiplyExact(rows(pictures.size()), outputs));
    if (elements != null) {
      team.scratch().require((long) places.width() * places.channels());
    }
  }

  /** Returns this step for pictures that are computed as they are rounded. */
  @Nullable RoundedConvolveStep reading(Elements computed) {
    // With several bands of pictures, results are written before the last ones are rounded.
    boolean together = pictures.count() == 1 || !computed.reads(y);
    return elements == null && together && computed.unit() == 1 && x.equals(computed.result())
        ? new RoundedConvolveStep(
            team, loops, rounding, places, x, computed, weight, bias, y, pictures.total())
        : null;
  }

  /** Returns whether a convolution has results of the size of its pictures, and whole tiles. */
  static boolean suit(RoundedLines rounding, Patches places, Matrix weight) {
    int kernel = 2 * places.padding() + 1;
    return weight.dtype().isFloat()
        && kernel > 1
        && places.kernelHeight() == kernel
        && places.kernelWidth() == kernel
        && places.stride() == 1
        && places.channels() % rounding.channelTile() == 0;
  }

  private RunMatMulStep product(int count) {
    int channels = places.channels();
    int[] starts = new int[rows(count)];
    Arrays.setAll(starts, row -> row * channels);
    Runs inputs =
        new Runs(
            starts,
            starts.length,
            places.kernelHeight(),
            places.kernelWidth() * channels,
            line() * channels);
    Scratch packed = team.packed();
    return new RunMatMulStep(
        team,
        loops,
        () -> packed.array(0),
        () -> pixelsAt,
        inputs,
        weight,
        bias,
        () -> packed.array(0),
        () -> resultsAt);
  }

  /** Returns the pixels from a line to the next: zeros, then those of the picture. */
  private int line() {
    return places.padding() + places.width();
  }

  /** Returns the lines from a picture to the next. */
  private int linesOfPicture() {
    return places.padding() + places.height();
  }

  /** Returns the places from the first of some pictures to the last. */
  private int rows(int count) {
    int lines = Math.multiplyExact(count, linesOfPicture()) - places.padding();
    return Math.multiplyExact(lines, line()) - places.padding();
  }

  /** Returns the floats of some pictures with the zeros around them. */
  private int pixelFloats() {
    int lines = Math.addExact(pictures.size() * linesOfPicture(), places.padding());
    int pixels = Math.addExact(Math.multiplyExact(lines, line()), places.padding());
    return rounding.floats(Math.multiplyExact(pixels, places.channels())) + 2 * LINE;
  }

  @Override
  public void run() {
    pixelsAt = loops.aligned(team.packed().array(0), 0);
    resultsAt = loops.aligned(team.packed().array(0), pixelFloats() - LINE);
    for (int some = 0; some < pictures.count(); some++) {
      firstPicture = pictures.from(some);
      int count = pictures.to(some) - firstPicture;
      int lines = count * linesOfPicture() + places.padding();
      team.workers().run(lines, this::roundLine);
      (some == pictures.count() - 1 ? multiplyLast : multiply).run();
      team.workers().run(count * places.height(), this::copyLine);
    }
  }

  /** Rounds a line of the pictures, or writes one of zeros, and the zeros before it. */
  private void roundLine(int line, int worker) {
    float[] to = team.packed().array(0);
    int channels = places.channels();
    int zeros = rounding.floats(places.padding() * channels);
    int numbers = places.width() * channels;
    int at = pixelsAt + rounding.floats(line() * channels) * line;
    int row = line % linesOfPicture() - places.padding();
    Arrays.fill(to, at, at + zeros, 0);
    if (row < 0) {
      // Behind the last line of all there are zeros that belong to no line.
      Arrays.fill(to, at + zeros, at + 2 * zeros + rounding.floats(numbers), 0);
    } else {
      int picture = firstPicture + line / linesOfPicture();
      int from = (picture * places.height() + row) * numbers;
      if (elements == null) {
        rounding.round(x.floats(), x.at() + from, numbers, to, at + zeros);
      } else {
        float[] computed = team.scratch().array(worker);
        elements.compute(from, numbers, computed, 0);
        rounding.round(computed, 0, numbers, to, at + zeros);
      }
    }
  }

  private void copyLine(int line, int worker) {
    int picture = line / places.height();
    int row = picture * linesOfPicture() + line % places.height();
    int numbers = places.width() * outputs;
    System.arraycopy(
        team.packed().array(0),
        resultsAt + row * line() * outputs,
        y.floats(),
        y.at() + (firstPicture * places.height() + line) * numbers,
        numbers);
  }
}
