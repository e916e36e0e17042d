package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.graph.RopePairing;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VectorRowsTest {

  private static final VectorKernels KERNELS = new VectorKernels();

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 31, 64, 100, 2049})
  void rmsNormEqualsTheOracle(int n) {
    float[] x = new Numbers(n).floats(1 + 3 * n);
    float[] weight = new Numbers(n + 1).floats(n);
    float[] y = new float[2 + 3 * n];

    KERNELS.rmsNorm(x, 1, weight, 1e-6f, y, 2, 3, n);

    for (int row = 0; row < 3; row++) {
      double square = 0;
      for (int i = 0; i < n; i++) {
        square += (double) x[1 + row * n + i] * x[1 + row * n + i];
      }
      for (int i = 0; i < n; i++) {
        double expected = x[1 + row * n + i] / Math.sqrt(square / n + 1e-6) * weight[i];
        assertThat((double) y[2 + row * n + i]).isCloseTo(expected, within(1e-6));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 31, 64, 100, 2049})
  void layerNormOfRowsFarFromZeroEqualsTheOracle(int n) {
    float[] x = new Numbers(n).floats(1 + 3 * n);
    for (int i = 0; i < x.length; i++) {
      x[i] += 50;
    }
    float[] weight = new Numbers(n + 1).floats(n);
    float[] bias = new Numbers(n + 2).floats(n);
    float[] y = new float[2 + 3 * n];

    KERNELS.layerNorm(x, 1, weight, bias, 1e-5f, y, 2, 3, n);

    for (int row = 0; row < 3; row++) {
      double mean = 0;
      for (int i = 0; i < n; i++) {
        mean += (double) x[1 + row * n + i] / n;
      }
      double variance = 0;
      for (int i = 0; i < n; i++) {
        variance += Math.pow(x[1 + row * n + i] - mean, 2) / n;
      }
      for (int i = 0; i < n; i++) {
        double expected =
            (x[1 + row * n + i] - mean) / Math.sqrt(variance + 1e-5) * weight[i] + bias[i];
        assertThat((double) y[2 + row * n + i]).isCloseTo(expected, within(3e-5));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 31, 64, 1001})
  void softmaxSumsToOneAndEqualsTheOracle(int n) {
    float[] x = new Numbers(n).floats(n + 2);
    x[0] = 500;
    x[n + 1] = 500;
    x[1 + n / 2] = 30;
    float[] before = x.clone();

    KERNELS.softmax(x, 1, n);

    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Math.exp(before[1 + i] - 30.0);
    }
    for (int i = 0; i < n; i++) {
      double expected = Math.exp(before[1 + i] - 30.0) / sum;
      assertThat((double) x[1 + i]).isCloseTo(expected, within(1e-6 * expected + 1e-30));
    }
    assertThat(x[0]).isEqualTo(500);
    assertThat(x[n + 1]).isEqualTo(500);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 9, 31, 64, 100})
  void sumsProductsAndDotProductsEqualTheOracle(int n) {
    float[] a = new Numbers(n).floats(n + 3);
    float[] b = new Numbers(n + 1).floats(n + 3);
    float[] sum = new float[n + 3];
    float[] product = a.clone();

    KERNELS.add(a, 1, b, 2, sum, 3, n);
    KERNELS.multiply(product, 1, b, 2, product, 1, n);

    double dot = 0;
    for (int i = 0; i < n; i++) {
      assertThat(sum[3 + i]).isEqualTo(a[1 + i] + b[2 + i]);
      assertThat(product[1 + i]).isEqualTo(a[1 + i] * b[2 + i]);
      dot += (double) a[1 + i] * b[2 + i];
    }
    assertThat(product[0]).isEqualTo(a[0]);
    assertThat(product[n + 1]).isEqualTo(a[n + 1]);
    assertThat((double) KERNELS.dot(a, 1, b, 2, n)).isCloseTo(dot, within(1e-5));
  }

  @ParameterizedTest
  @CsvSource({"4, 2", "16, 8", "20, 7", "64, 32", "66, 33", "128, 40"})
  void rotationKeepsTheDefinitionInPlaceToo(int headDim, int r) {
    int heads = 3;
    float[] x = new Numbers(r).floats(1 + heads * headDim);
    float[] cos = new Numbers(r + 1).floats(2 + r);
    float[] sin = new Numbers(r + 2).floats(3 + r);
    for (RopePairing pairing : RopePairing.values()) {
      float[] y = new float[x.length];
      KERNELS.rope(pairing, x, 1, cos, 2, sin, 3, r, y, 1, heads, headDim);
      float[] inPlace = x.clone();
      KERNELS.rope(pairing, inPlace, 1, cos, 2, sin, 3, r, inPlace, 1, heads, headDim);

      double[] expected = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        expected[i] = x[i];
      }
      for (int head = 0; head < heads; head++) {
        for (int i = 0; i < r; i++) {
          int at = 1 + head * headDim;
          int first = at + (pairing == RopePairing.HALVES ? i : 2 * i);
          int second = pairing == RopePairing.HALVES ? first + r : first + 1;
          double a = x[first];
          double b = x[second];
          expected[first] = a * cos[2 + i] - b * sin[3 + i];
          expected[second] = b * cos[2 + i] + a * sin[3 + i];
        }
      }
      for (int i = 1; i < x.length; i++) {
        assertThat((double) y[i]).isCloseTo(expected[i], within(1e-6));
        assertThat(inPlace[i]).isEqualTo(y[i]);
      }
    }
  }

  @Test
  void theNameTellsTheWidth() {
    assertThat(new VectorKernels().name()).isEqualTo("vector-" + 32 * Lanes.COUNT);
  }

  @Test
  void anImpossibleWidthIsRefused() {
    String before = System.getProperty(VectorWidth.PROPERTY);
    System.setProperty(VectorWidth.PROPERTY, "96");
    try {
      assertThatThrownBy(VectorKernels::new)
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("\"96\"")
          .hasMessageContaining("128, 256, 512 or preferred");
    } finally {
      if (before == null) {
        System.clearProperty(VectorWidth.PROPERTY);
      } else {
        System.setProperty(VectorWidth.PROPERTY, before);
      }
    }
  }
}
