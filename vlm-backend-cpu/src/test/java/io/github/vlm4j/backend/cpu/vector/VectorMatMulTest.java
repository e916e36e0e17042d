package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class VectorMatMulTest {

  private static final VectorKernels KERNELS = new VectorKernels();

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 5, 3",
    "2, 7, 5",
    "3, 16, 6",
    "8, 31, 11",
    "15, 255, 13",
    "16, 256, 12",
    "17, 257, 7",
    "33, 64, 97",
    "49, 513, 25",
    "65, 100, 31",
    "260, 40, 20",
    "300, 300, 101"
  })
  void productEqualsTheOracle(int n, int k, int rows) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Numbers numbers = new Numbers(n * 31L + k);
      Matrix w = numbers.matrix(dtype, rows, k);
      float[] x = numbers.floats(3 + n * k);
      float[] bias = numbers.floats(rows);

      float[] y = multiply(x, 3, n, w, bias, rows);

      checkAgainstOracle(x, 3, n, w, bias, y);
    }
  }

  @Test
  void noBiasMeansZeroBias() {
    Numbers numbers = new Numbers(4);
    Matrix w = numbers.matrix(DType.BF16, 7, 9);
    float[] x = numbers.floats(5 * 9);

    assertThat(multiply(x, 0, 5, w, null, 7)).isEqualTo(multiply(x, 0, 5, w, new float[7], 7));
  }

  @Test
  void theSplitOfOutputsDoesNotChangeASingleBit() {
    Numbers numbers = new Numbers(5);
    int rows = 230;
    Matrix w = numbers.matrix(DType.BF16, rows, 300);
    float[] x = numbers.floats(70 * 300);
    float[] bias = numbers.floats(rows);

    float[] whole = multiply(x, 0, 70, w, bias, rows);

    assertThat(multiply(x, 0, 70, w, bias, KERNELS.outputTile())).isEqualTo(whole);
    assertThat(multiply(x, 0, 70, w, bias, 1)).isEqualTo(whole);
    assertThat(multiply(x, 0, 70, w, bias, 101)).isEqualTo(whole);
  }

  @Test
  void writesNothingBesidesItsOutputs() {
    Numbers numbers = new Numbers(6);
    Matrix w = numbers.matrix(DType.F32, 10, 4);
    float[] packed = new float[KERNELS.packedFloats(3, 4)];
    KERNELS.packInputs(numbers.floats(12), 0, 3, 4, packed, 0, 0, 1);
    float[] y = new float[2 + 3 * 10 + 2];
    Arrays.fill(y, 77);

    KERNELS.matMul(packed, 0, 3, w, 4, 7, null, y, 2, 10, new float[KERNELS.matMulScratch(4)]);

    for (int i = 0; i < y.length; i++) {
      int column = (i - 2) % 10;
      boolean output = i >= 2 && i < 32 && column >= 4 && column < 7;
      assertThat(y[i] != 77).as("index %d", i).isEqualTo(output);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 9", "3, 8", "4, 16", "5, 17", "7, 31", "9, 515", "2, 4096"})
  void matrixTimesVectorEqualsTheOracle(int rows, int k) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Numbers numbers = new Numbers(k);
      Matrix w = numbers.matrix(dtype, rows, k);
      float[] x = numbers.floats(2 + k);
      float[] bias = numbers.floats(rows);
      float[] y = new float[5 + rows];
      float[] scratch = new float[KERNELS.matVecScratch(k)];

      for (int row = 0; row < rows; row += 5) {
        KERNELS.matVec(w, row, Math.min(rows, row + 5), x, 2, bias, y, 5, scratch);
      }

      checkAgainstOracle(x, 2, 1, w, bias, Arrays.copyOfRange(y, 5, 5 + rows));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "9, 1", "8, 3", "16, 40", "17, 33", "31, 70", "515, 9", "20, 300"})
  void sumsOfScaledRowsEqualTheOracle(int inputs, int outputs) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Numbers numbers = new Numbers(inputs);
      Matrix w = numbers.matrix(dtype, inputs, outputs);
      float[] x = numbers.floats(2 + inputs);
      float[] y = new float[5 + outputs + 1];
      Arrays.fill(y, 77);
      int from = inputs / 3;

      KERNELS.addScaledRows(w, from, inputs, x, 2, y, 5);

      assertThat(y).startsWith(77, 77, 77, 77, 77).endsWith(77);
      for (int column = 0; column < outputs; column++) {
        double sum = 77;
        double magnitude = 77;
        for (int i = from; i < inputs; i++) {
          sum += Numbers.at(w, i, column) * x[2 + i];
          magnitude += Math.abs(Numbers.at(w, i, column) * x[2 + i]);
        }
        assertThat((double) y[5 + column])
            .as("%s output %d", dtype, column)
            .isCloseTo(sum, within(2e-6 * magnitude));
      }
    }
  }

  @Test
  void rowsAreAddedInTheirOrderInHoweverManyCalls() {
    Numbers numbers = new Numbers(7);
    Matrix w = numbers.matrix(DType.BF16, 75, 203);
    float[] x = numbers.floats(75);
    float[] whole = new float[203];
    float[] parts = new float[203];

    KERNELS.addScaledRows(w, 0, 75, x, 0, whole, 0);
    KERNELS.addScaledRows(w, 0, 10, x, 0, parts, 0);
    KERNELS.addScaledRows(w, 10, 11, x, 0, parts, 0);
    KERNELS.addScaledRows(w, 11, 75, x, 0, parts, 0);

    assertThat(parts).isEqualTo(whole);
  }

  @ParameterizedTest
  @EnumSource(names = {"I8", "I32", "I64"})
  void refusesWeightsItCannotRead(DType dtype) {
    Matrix w = new Matrix(dtype, MemorySegment.ofArray(new byte[(int) dtype.bytes(256)]), 1, 256);

    float[] x = new float[256];
    float[] scratch = new float[KERNELS.matVecScratch(256)];
    assertThatThrownBy(() -> KERNELS.matVec(w, 0, 1, x, 0, null, new float[1], 0, scratch))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("of type " + dtype + " are not supported by the vector-");
  }

  private static float[] multiply(
      float[] x, int xAt, int n, Matrix w, float @Nullable [] bias, int rowsAtOnce) {
    int k = w.columns();
    float[] packed = new float[1 + KERNELS.packedFloats(n, k)];
    // What was there before must not show in the padding.
    Arrays.fill(packed, Float.NaN);
    int tiles = Math.ceilDiv(n, KERNELS.inputTile());
    for (int tile = 0; tile < tiles; tile++) {
      KERNELS.packInputs(x, xAt, n, k, packed, 1, tile, tile + 1);
    }
    float[] scratch = new float[KERNELS.matMulScratch(k)];
    Arrays.fill(scratch, Float.NaN);
    float[] y = new float[n * w.rows()];
    for (int row = 0; row < w.rows(); row += rowsAtOnce) {
      int end = Math.min(w.rows(), row + rowsAtOnce);
      KERNELS.matMul(packed, 1, n, w, row, end, bias, y, 0, w.rows(), scratch);
    }
    return y;
  }

  private static void checkAgainstOracle(
      float[] x, int xAt, int n, Matrix w, float[] bias, float[] y) {
    for (int i = 0; i < n; i++) {
      for (int r = 0; r < w.rows(); r++) {
        double sum = bias[r];
        double magnitude = Math.abs(sum);
        for (int p = 0; p < w.columns(); p++) {
          double product = Numbers.at(w, r, p) * x[xAt + i * w.columns() + p];
          sum += product;
          magnitude += Math.abs(product);
        }
        assertThat((double) y[i * w.rows() + r])
            .as("%s input %d output %d", w.dtype(), i, r)
            .isCloseTo(sum, within(2e-6 * magnitude));
      }
    }
  }
}
