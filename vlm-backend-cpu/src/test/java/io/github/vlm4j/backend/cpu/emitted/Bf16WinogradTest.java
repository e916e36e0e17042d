package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All numbers are small whole ones, so that nothing is rounded and results are the same bits. */
@ParameterizedClass(name = "tiles: {0}")
@ValueSource(booleans = {false, true})
class Bf16WinogradTest {

  private static final int POINTS = RoundedWinograd.POINTS;
  private static final float UNTOUCHED = -77.5f;

  @Parameter boolean tiles;

  private final Random random = new Random(11);
  private RoundedLoops loops;
  private RoundedWinograd winograd;

  @BeforeEach
  void makeCode() {
    EmittedKernels kernels =
        EmittedKernels.make(
                new ScalarKernels(),
                tiles ? Set.of(Products.BF16, Products.TILES) : Set.of(Products.BF16))
            .orElse(null);
    assumeThat(kernels).isNotNull();
    assumeThat(kernels.name().contains("amx")).isEqualTo(tiles);
    loops = kernels.rounded(DType.BF16);
    assumeThat(loops).isNotNull();
    winograd = loops.winograd();
    assumeThat(winograd).isNotNull();
  }

  @ParameterizedTest(name = "{0} channels, {1} windows")
  @CsvSource({"1, 1", "15, 2", "16, 3", "17, 1", "32, 5", "33, 2", "48, 4", "70, 3", "128, 2"})
  void windowsBecomeRoundedRowsOfEachPoint(int channels, int count) {
    int rowsApart = count + 2;
    float[] x = wholeNumbers(5 + (2 * count + 2) * channels);
    int rows = POINTS * rowsApart;
    float[] exact = new float[rows * channels];
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < channels; c++) {
        int from = 5 + 2 * i * channels + c;
        float[] d = {x[from], x[from + channels], x[from + 2 * channels], x[from + 3 * channels]};
        float[] points = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
        for (int point = 0; point < POINTS; point++) {
          exact[(point * rowsApart + 1 + i) * channels + c] = points[point];
        }
      }
    }
    float[] expected = filled(loops.preparedFloats(rows, channels));
    Runs all = loops.preparedRuns(rows, channels);
    for (int point = 0; point < POINTS; point++) {
      int row = point * rowsApart + 1;
      loops.prepareInputs(exact, 0, all, row, row + count, expected, 0);
    }
    float[] rounded = filled(expected.length);

    winograd.windows(x, 5, channels, count, rounded, 0, 1, rowsApart);

    // What lies between rows is anything.
    assertThat(products(rounded, rows, channels)).isEqualTo(products(expected, rows, channels));
  }

  /** Multiplies each row with a weight for each number, so that sums tell rows apart. */
  private float[] products(float[] rounded, int rows, int channels) {
    float[] weights = wholeNumbers(16 * channels, new Random(3));
    Matrix w =
        new Matrix(DType.BF16, Tensor.roundedToBf16(weights, 16, channels).data(), 16, channels);
    float[] scratch = new float[loops.runScratch()];
    float[] packed = new float[loops.packedWeightFloats(16, channels)];
    loops.packWeights(w, null, 0, 16, packed, 0, scratch);
    float[] y = new float[rows * 16];
    Runs inputs = loops.preparedRuns(rows, channels);
    loops.multiplyRuns(rounded, 0, inputs, 0, rows, packed, 0, 0, 16, y, 0, 16, scratch);
    return y;
  }

  @ParameterizedTest(name = "{0} → {1}")
  @CsvSource({"1, 1", "17, 16", "32, 30", "33, 70", "70, 64", "128, 33", "2080, 3"})
  void kernelsAreTransformedAndLaidOutAsWeights(int channels, int outputs) {
    float[] g = wholeNumbers(outputs * 9 * channels);
    Tensor stored = Tensor.roundedToBf16(g, outputs, 9L * channels);
    Matrix w = new Matrix(DType.BF16, stored.data(), outputs, 9 * channels);
    float[] bias = wholeNumbers(outputs);
    float[] scratch = filled(winograd.packScratch(channels));
    // A row sees itself, and what is two and four rows further on.
    float[] x = wholeNumbers(7 * channels);
    float[] rounded = new float[loops.preparedFloats(7, channels)];
    Runs rows = loops.preparedRuns(7, channels);
    loops.prepareInputs(x, 0, rows, 0, 7, rounded, 0);
    int[] starts = rows.starts();
    Runs inputs = new Runs(starts, 7, 3, channels, starts[2] - starts[0]);
    int width = loops.weightTile();
    for (int band = 0; band < outputs; band += width) {
      int end = Math.min(outputs, band + width);
      float[] packed = filled(3 + POINTS * winograd.panelFloats(channels));
      for (int from = band; from < end; from += winograd.kernelTile()) {
        int to = Math.min(end, from + winograd.kernelTile());
        winograd.packKernels(w, bias, band, from, to, packed, 3, scratch);
      }
      for (int point = 0; point < POINTS; point++) {
        float[] y = new float[3 * (end - band)];
        int at = 3 + point * winograd.panelFloats(channels);
        loops.multiplyRuns(
            rounded,
            0,
            inputs,
            0,
            3,
            packed,
            at,
            0,
            end - band,
            y,
            0,
            end - band,
            new float[loops.runScratch()]);
        for (int row = 0; row < 3; row++) {
          for (int o = band; o < end; o++) {
            float sum = point == 1 ? bias[o] : 0;
            for (int line = 0; line < 3; line++) {
              for (int c = 0; c < channels; c++) {
                int from = (o * 9 + 3 * line) * channels + c;
                float last = g[from + 2 * channels];
                sum +=
                    point(point, g[from], g[from + channels], last)
                        * x[(row + 2 * line) * channels + c];
              }
            }
            assertThat(y[row * (end - band) + o - band])
                .as("point %d, row %d, output %d", point, row, o)
                .isEqualTo(sum);
          }
        }
      }
    }
  }

  private static float point(int point, float a, float b, float c) {
    return switch (point) {
      case 0 -> a;
      case 1 -> (a + b + c) / 2;
      case 2 -> (a - b + c) / 2;
      default -> c;
    };
  }

  @ParameterizedTest(name = "{0} channels, {1} windows, right: {2}")
  @CsvSource({"1, 1, true", "16, 3, true", "17, 2, true", "40, 1, false", "64, 5, true"})
  void sumsBecomeResults(int channels, int count, boolean right) {
    int outputs = channels + 3;
    int apart = (count + 1) * channels;
    float[] sums = wholeNumbers(2 + POINTS * apart);
    float[] expected = filled(6 + (2 * count + 1) * outputs);
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < channels; c++) {
        int m = 2 + i * channels + c;
        int y = 6 + 2 * i * outputs + c;
        expected[y] = sums[m] + sums[m + apart] + sums[m + 2 * apart];
        if (right) {
          expected[y + outputs] = sums[m + apart] - sums[m + 2 * apart] - sums[m + 3 * apart];
        }
      }
    }
    float[] y = filled(expected.length);

    winograd.results(sums, 2, apart, channels, count, y, 6, right ? outputs : 0);

    assertThat(y).isEqualTo(expected);
  }

  private static float[] filled(int count) {
    float[] x = new float[count];
    Arrays.fill(x, UNTOUCHED);
    return x;
  }

  /** Returns multiples of 4 that stay whole, and exact in bf16, when they are transformed. */
  private float[] wholeNumbers(int count) {
    return wholeNumbers(count, random);
  }

  private static float[] wholeNumbers(int count, Random random) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 4 * (random.nextInt(15) - 7);
    }
    return x;
  }
}
