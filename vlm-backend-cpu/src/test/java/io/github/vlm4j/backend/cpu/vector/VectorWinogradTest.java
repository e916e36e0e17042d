package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.Winograd;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VectorWinogradTest {

  private static final Winograd WINOGRAD = new VectorKernels().winograd();

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 8, 16, 17, 40})
  void transformedProductsAreTheConvolutionOfAWindow(int channels) {
    int line = 5 * channels;
    float[] x = new Numbers(channels).floats(1 + 4 * line);
    float[] g = new Numbers(channels + 1).floats(2 + 9 * channels);
    int apart = channels + 3;
    float[] v = new float[1 + Winograd.POINTS * apart];
    float[] u = new float[2 + Winograd.POINTS * apart];
    float[] y = new float[3 + 4 * channels];

    WINOGRAD.window(x, 1, channels, line, channels, v, 1, apart);
    WINOGRAD.kernel(g, 2, channels, channels, u, 2, apart);
    float[] products = new float[Winograd.POINTS * apart];
    for (int i = 0; i < products.length; i++) {
      products[i] = v[1 + i] * u[2 + i];
    }
    WINOGRAD.results(products, 0, apart, channels, y, 3, channels, 2 * channels);

    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        for (int c = 0; c < channels; c++) {
          assertThat((double) y[3 + (2 * i + j) * channels + c])
              .isCloseTo(convolved(x, line, g, channels, i, j, c), within(1e-5));
        }
      }
    }
  }

  /** Sums over the kernel for one channel, which the transforms do not mix with others. */
  private static double convolved(
      float[] x, int line, float[] g, int channels, int i, int j, int c) {
    double sum = 0;
    for (int row = 0; row < 3; row++) {
      for (int column = 0; column < 3; column++) {
        double pixel = x[1 + (i + row) * line + (j + column) * channels + c];
        sum += pixel * g[2 + (3 * row + column) * channels + c];
      }
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
