package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.kernel.Winograd;
import io.github.vlm4j.core.tensor.DType;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VectorWinogradTest {

  private static final Kernels KERNELS = new VectorKernels();
  private static final Winograd WINOGRAD = KERNELS.winograd();

  @ParameterizedTest
  @CsvSource({"1, 1, F32", "3, 5, F16", "8, 16, F32", "17, 20, BF16", "40, 33, F32"})
  void transformedProductsAreTheConvolutionOfAWindow(int channels, int outputs, DType dtype) {
    int line = 5 * channels;
    float[] x = new Numbers(channels).floats(1 + 4 * line);
    Matrix w = new Numbers(channels + 1).matrix(dtype, outputs, 9 * channels);
    float[] bias = new Numbers(outputs).floats(outputs);
    int tile = Math.min(outputs, KERNELS.weightTile());
    int apart = KERNELS.packedWeightFloats(tile, channels);
    float[] packed = new float[2 + Winograd.POINTS * apart];
    float[] scratch =
        new float[Math.max(WINOGRAD.packScratch(tile, channels), KERNELS.runScratch())];
    float[] v = new float[3 + Winograd.POINTS * channels];
    float[] sums = new float[Winograd.POINTS * outputs];
    float[] y = new float[4 + 4 * outputs];

    WINOGRAD.window(x, 1, channels, line, channels, v, 3, channels);
    Runs one = Runs.dense(1, channels, KERNELS.runTile());
    for (int from = 0; from < outputs; from += tile) {
      int to = Math.min(from + tile, outputs);
      WINOGRAD.packKernels(w, bias, from, to, packed, 2, apart, scratch);
      for (int point = 0; point < Winograd.POINTS; point++) {
        int window = 3 + point * channels;
        int at = 2 + point * apart;
        int sum = point * outputs;
        KERNELS.multiplyRuns(
            v, window, one, 0, 1, packed, at, from, to, sums, sum, outputs, scratch);
      }
    }
    WINOGRAD.results(sums, 0, outputs, outputs, y, 4, outputs, 2 * outputs);

    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        for (int o = 0; o < outputs; o++) {
          assertThat((double) y[4 + (2 * i + j) * outputs + o])
              .isCloseTo(bias[o] + convolved(x, line, w, i, j, o), within(1e-4));
        }
      }
    }
  }

  private static double convolved(float[] x, int line, Matrix w, int i, int j, int output) {
    int channels = w.columns() / 9;
    double sum = 0;
    for (int k = 0; k < w.columns(); k++) {
      int row = i + k / channels / 3;
      int column = j + k / channels % 3;
      sum += x[1 + row * line + column * channels + k % channels] * Numbers.at(w, output, k);
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 21})
  void resultsOutsideThePictureAreNotWritten(int channels) {
    float[] products = new Numbers(channels).floats(Winograd.POINTS * channels);
    float[] whole = new float[4 * channels];
    WINOGRAD.results(products, 0, channels, channels, whole, 0, channels, 2 * channels);
    float[] corner = new float[4 * channels];
    Arrays.fill(corner, 7);

    WINOGRAD.results(products, 0, channels, channels, corner, 0, 0, 0);

    assertThat(Arrays.copyOf(corner, channels)).isEqualTo(Arrays.copyOf(whole, channels));
    assertThat(Arrays.copyOfRange(corner, channels, 4 * channels)).containsOnly(7);
  }
}
