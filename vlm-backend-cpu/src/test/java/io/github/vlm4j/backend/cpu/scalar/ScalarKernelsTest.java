package io.github.vlm4j.backend.cpu.scalar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.apache.commons.math3.distribution.NormalDistribution;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScalarKernelsTest {

  private final Kernels kernels = new ScalarKernels();
  private final SplittableRandom random = new SplittableRandom(11);

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void bothProductsEqualTheSumOfProductsToTheLastBitOfAFloat(DType dtype) {
    int rows = 7;
    int columns = 37;
    int n = 5;
    Tensor weight = Tensor.allocate(dtype, Shape.of(rows, columns), Arena.ofAuto());
    fill(weight);
    Matrix matrix = new Matrix(dtype, weight.data(), rows, columns);
    float[] x = floats(3 + n * columns);
    float[] bias = floats(rows);
    float[] packed = new float[2 + kernels.packedFloats(n, columns)];
    float[] product = new float[1 + n * rows];
    kernels.packInputs(x, 3, n, columns, packed, 2, 0, n);
    float[] scratch = new float[kernels.matMulScratch(columns)];
    kernels.matMul(packed, 2, n, matrix, 0, 4, bias, product, 1, rows, scratch);
    kernels.matMul(packed, 2, n, matrix, 4, rows, bias, product, 1, rows, scratch);
    float[] vector = new float[rows];
    for (int i = 0; i < n; i++) {
      kernels.matVec(matrix, 0, rows, x, 3 + i * columns, bias, vector, 0, new float[0]);
      for (int r = 0; r < rows; r++) {
        double sum = bias[r];
        for (int c = 0; c < columns; c++) {
          sum += (double) weight.getFloat((long) r * columns + c) * x[3 + i * columns + c];
        }
        assertThat(product[1 + i * rows + r]).isCloseTo((float) sum, within(1e-6f));
        assertThat(vector[r]).isCloseTo((float) sum, within(1e-6f));
      }
    }
  }

  @Test
  void weightsOfOtherTypesAreRefusedByName() {
    Tensor weight = Tensor.allocate(DType.I8, Shape.of(1, 32), Arena.ofAuto());
    Matrix matrix = new Matrix(DType.I8, weight.data(), 1, 32);
    assertThatThrownBy(() ->
            kernels.matVec(matrix, 0, 1, new float[32], 0, null, new float[1], 0, new float[0]))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("I8");
    assertThatThrownBy(() -> kernels.decodeRow(matrix, 0, new float[32], 0))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("I8");
  }

  @Test
  void attentionEqualsSoftmaxOfAllScoresAtOnce() {
    int keys = 150;
    int queries = 9;
    AttentionTask task = new AttentionTask();
    task.headDim = 5;
    task.valueDim = 3;
    task.keys = keys;
    task.causal = true;
    task.visible = keys - queries;
    task.scale = 3;
    task.q = floats(queries * 5);
    task.qStride = 5;
    task.k = floats(keys * 5);
    task.kStride = 5;
    task.v = floats(keys * 3);
    task.vStride = 3;
    task.out = floats(queries * 3);
    task.outStride = 3;
    kernels.attend(task, 0, queries, new float[kernels.attendScratch(5, 3)]);
    for (int i = 0; i < queries; i++) {
      int seen = task.visible + i + 1;
      double[] weights = new double[seen];
      for (int j = 0; j < seen; j++) {
        double dot = 0;
        for (int d = 0; d < 5; d++) {
          dot += (double) task.q[i * 5 + d] * task.k[j * 5 + d];
        }
        weights[j] = Math.exp(3 * dot);
      }
      for (int d = 0; d < 3; d++) {
        double sum = 0;
        for (int j = 0; j < seen; j++) {
          sum += weights[j] * task.v[j * 3 + d];
        }
        float expected = (float) (sum / StatUtils.sum(weights));
        assertThat(task.out[i * 3 + d]).isCloseTo(expected, within(2e-6f));
      }
    }
  }

  @Test
  void scoresThatWouldOverflowTheExponentialDoNot() {
    float[] x = {1000, 999, -1000};
    kernels.softmax(x, 0, 3);
    assertThat(x[0]).isCloseTo((float) (1 / (1 + Math.exp(-1))), within(1e-7f));
    assertThat(x[0] + x[1]).isCloseTo(1, within(1e-6f));
    assertThat(x[2]).isZero();
  }

  @Test
  void geluIsXTimesTheNormalDistributionFunction() {
    NormalDistribution normal = new NormalDistribution();
    for (float x = -12; x <= 12; x += 0.01f) {
      float[] y = new float[1];
      kernels.activate(Activation.GELU, new float[] {x}, 0, y, 0, 1);
      assertThat(y[0])
          .as("at %s", x)
          .isCloseTo((float) (x * normal.cumulativeProbability(x)), within(1e-6f));
    }
  }

  @Test
  void activationsHaveTheirKnownValues() {
    float[] x = {-2, -0.5f, 0, 1, 3};
    assertThat(activated(Activation.RELU, x)).containsExactly(0, 0, 0, 1, 3);
    assertThat(activated(Activation.SILU, x)[3]).isCloseTo(0.7310586f, within(1e-7f));
    assertThat(activated(Activation.QUICK_GELU, x)[3]).isCloseTo(0.8457958f, within(1e-7f));
    assertThat(activated(Activation.GELU_TANH, x)[3]).isCloseTo(0.841192f, within(1e-6f));
    assertThat(activated(Activation.GELU, x)[3]).isCloseTo(0.8413447f, within(1e-7f));
  }

  @Test
  void normsGiveRowsOfMeanZeroAndSizeOne() {
    int n = 33;
    float[] x = floats(2 * n);
    float[] ones = new float[n];
    Arrays.fill(ones, 1);
    float[] y = new float[2 * n];
    kernels.layerNorm(x, 0, ones, new float[n], 0, y, 0, 2, n);
    for (int row = 0; row < 2; row++) {
      double[] values = doubles(y, row * n, n);
      assertThat(StatUtils.mean(values)).isCloseTo(0, within(1e-7));
      assertThat(StatUtils.populationVariance(values)).isCloseTo(1, within(1e-6));
    }
    kernels.rmsNorm(x, 0, ones, 0, y, 0, 2, n);
    assertThat(StatUtils.sumSq(doubles(y, n, n)) / n).isCloseTo(1, within(1e-6));
    assertThat(y[n] / y[n + 1]).isCloseTo(x[n] / x[n + 1], within(1e-4f));
  }

  @Test
  void ropeTurnsPairsAndLeavesTheRest() {
    float[] x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    float[] cos = {0, 1};
    float[] sin = {1, 0};
    float[] y = new float[10];
    kernels.rope(RopePairing.HALVES, x, 0, cos, 0, sin, 0, 2, y, 0, 2, 5);
    assertThat(y).containsExactly(-3, 2, 1, 4, 5, -8, 7, 6, 9, 10);
    kernels.rope(RopePairing.INTERLEAVED, x, 0, cos, 0, sin, 0, 2, y, 0, 2, 5);
    assertThat(y).containsExactly(-2, 1, 3, 4, 5, -7, 6, 8, 9, 10);
    kernels.rope(RopePairing.INTERLEAVED, x, 0, cos, 0, sin, 0, 2, x, 0, 2, 5);
    assertThat(x).containsExactly(y);
  }

  private float[] activated(Activation activation, float[] x) {
    float[] y = new float[x.length];
    kernels.activate(activation, x, 0, y, 0, x.length);
    return y;
  }

  private float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double[] doubles(float[] x, int from, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = x[from + i];
    }
    return values;
  }

  private void fill(Tensor tensor) {
    for (int i = 0; i < tensor.shape().elements(); i++) {
      float value = (float) random.nextGaussian() / 4;
      switch (tensor.dtype()) {
        case F32 -> tensor.setFloat(i, value);
        case F16 -> tensor.data().set(Tensor.BITS16, i * 2L, Float.floatToFloat16(value));
        default ->
            tensor
                .data()
                .set(Tensor.BITS16, i * 2L, (short) (Float.floatToRawIntBits(value) >>> 16));
      }
    }
  }
}
