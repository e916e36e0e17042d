package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorRunMatMulTest {

  private static final VectorKernels KERNELS = new VectorKernels();
  private static final int ALL = Integer.MAX_VALUE;

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "5, 7, 3",
    "6, 16, 16",
    "13, 31, 17",
    "64, 384, 64",
    "65, 385, 33",
    "193, 769, 20",
    "200, 9, 131",
    "500, 40, 48"
  })
  void productEqualsTheOracle(int n, int k, int outputs) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Numbers numbers = new Numbers(n * 31L + k);
      Matrix w = numbers.matrix(dtype, outputs, k);
      float[] x = numbers.floats(3 + n * k);
      float[] bias = numbers.floats(outputs);
      Runs inputs = Runs.dense(n, k, KERNELS.runTile());

      check(x, inputs, w, bias, multiply(x, inputs, w, bias, ALL, ALL));
    }
  }

  @ParameterizedTest
  @CsvSource({"5, 7, 3", "77, 600, 131", "300, 1100, 101"})
  void sumsAreThoseOfTheOtherWayRoundToTheLastBit(int n, int k, int outputs) {
    Numbers numbers = new Numbers(n);
    Matrix w = numbers.matrix(DType.F32, outputs, k);
    float[] x = numbers.floats(3 + n * k);
    float[] bias = numbers.floats(outputs);
    float[] packed = new float[KERNELS.packedFloats(n, k)];
    float[] y = new float[n * outputs];

    KERNELS.packInputs(x, 3, n, k, packed, 0, 0, Math.ceilDiv(n, KERNELS.inputTile()));
    float[] scratch = new float[KERNELS.matMulScratch(k)];
    KERNELS.matMul(packed, 0, n, w, 0, outputs, bias, y, 0, outputs, scratch);

    Runs inputs = Runs.dense(n, k, KERNELS.runTile());
    assertThat(y).isEqualTo(multiply(x, inputs, w, bias, ALL, ALL));
  }

  @ParameterizedTest
  @CsvSource({"7, 3, 5, 9", "20, 2, 400, 16", "31, 4, 17, 40"})
  void runsOfARowMayLieAnywhere(int n, int runs, int length, int outputs) {
    Numbers numbers = new Numbers(n);
    Matrix w = numbers.matrix(DType.F32, outputs, runs * length);
    float[] bias = numbers.floats(outputs);
    int apart = length + 13;
    int[] starts = new int[Math.ceilDiv(n, KERNELS.runTile()) * KERNELS.runTile()];
    SplittableRandom random = new SplittableRandom(n);
    Arrays.setAll(starts, row -> row < n ? random.nextInt(2000) : 0);
    float[] x = numbers.floats(3 + 2000 + runs * apart);
    Runs inputs = new Runs(starts, n, runs, length, apart);

    check(x, inputs, w, bias, multiply(x, inputs, w, bias, ALL, ALL));
  }

  @Test
  void noBiasMeansZeroBias() {
    Numbers numbers = new Numbers(4);
    Matrix w = numbers.matrix(DType.BF16, 21, 9);
    float[] x = numbers.floats(3 + 50 * 9);
    Runs inputs = Runs.dense(50, 9, KERNELS.runTile());

    assertThat(multiply(x, inputs, w, null, ALL, ALL))
        .isEqualTo(multiply(x, inputs, w, new float[21], ALL, ALL));
  }

  @Test
  void theSplitOfTheWorkDoesNotChangeASingleBit() {
    Numbers numbers = new Numbers(5);
    Matrix w = numbers.matrix(DType.BF16, 230, 500);
    float[] x = numbers.floats(3 + 300 * 500);
    float[] bias = numbers.floats(230);
    Runs inputs = Runs.dense(300, 500, KERNELS.runTile());

    float[] whole = multiply(x, inputs, w, bias, ALL, ALL);

    int tile = KERNELS.runTile();
    int panel = KERNELS.weightTile();
    assertThat(multiply(x, inputs, w, bias, tile, panel)).isEqualTo(whole);
    assertThat(multiply(x, inputs, w, bias, 20 * tile, 2 * panel)).isEqualTo(whole);
    assertThat(multiply(x, inputs, w, bias, 20 * tile, 7)).isEqualTo(whole);
  }

  @Test
  void writesNothingBesidesItsOutputs() {
    Numbers numbers = new Numbers(6);
    Matrix w = numbers.matrix(DType.F32, 50, 4);
    Runs inputs = Runs.dense(25, 4, KERNELS.runTile());
    float[] packed = new float[KERNELS.packedWeightFloats(13, 4)];
    float[] scratch = new float[KERNELS.runScratch()];
    KERNELS.packWeights(w, null, 20, 33, packed, 0, scratch);
    float[] y = new float[2 + 25 * 50 + 2];
    Arrays.fill(y, 77);
    int first = KERNELS.runTile();

    KERNELS.multiplyRuns(
        numbers.floats(100), 0, inputs, first, 23, packed, 0, 20, 33, y, 2, 50, scratch);

    for (int i = 0; i < y.length; i++) {
      int row = Math.floorDiv(i - 2, 50);
      int column = Math.floorMod(i - 2, 50);
      boolean output = row >= first && row < 23 && column >= 20 && column < 33;
      assertThat(y[i] != 77).as("index %d", i).isEqualTo(output);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "5, 3", "9, 33", "64, 64", "300, 70", "7, 200"})
  void columnsArePackedAsTheRowsOfTheTransposedMatrix(int k, int outputs) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Matrix w = new Numbers(k).matrix(dtype, outputs, k);
      Matrix turned = transposed(w);
      int from = outputs / 3;
      float[] rows = new float[2 + KERNELS.packedWeightFloats(outputs - from, k)];
      float[] columns = rows.clone();
      Arrays.fill(columns, 2, columns.length, Float.NaN);

      KERNELS.packWeights(w, null, from, outputs, rows, 2, new float[KERNELS.runScratch()]);
      KERNELS.packColumns(turned, from, outputs, columns, 2);

      assertThat(columns).isEqualTo(rows);
    }
  }

  private static Matrix transposed(Matrix w) {
    int bytes = w.dtype().blockBytes();
    MemorySegment data = Arena.ofAuto().allocate(w.data().byteSize());
    for (int row = 0; row < w.rows(); row++) {
      for (int column = 0; column < w.columns(); column++) {
        long from = ((long) row * w.columns() + column) * bytes;
        long to = ((long) column * w.rows() + row) * bytes;
        MemorySegment.copy(w.data(), from, data, to, bytes);
      }
    }
    return new Matrix(w.dtype(), data, w.columns(), w.rows());
  }

  @Test
  void refusesWeightsItCannotRead() {
    Matrix w = new Matrix(DType.I8, MemorySegment.ofArray(new byte[64]), 1, 64);
    float[] packed = new float[KERNELS.packedWeightFloats(1, 64)];
    float[] scratch = new float[KERNELS.runScratch()];

    assertThatThrownBy(() -> KERNELS.packWeights(w, null, 0, 1, packed, 0, scratch))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("of type I8 are not supported by the vector-");
  }

  private static float[] multiply(
      float[] x,
      Runs inputs,
      Matrix w,
      float @Nullable [] bias,
      int inputsAtOnce,
      int outputsAtOnce) {
    float[] y = new float[inputs.rows() * w.rows()];
    float[] packed = new float[1 + KERNELS.packedWeightFloats(w.rows(), w.columns())];
    float[] scratch = new float[KERNELS.runScratch()];
    for (int row = 0; row < w.rows(); ) {
      int rowEnd = (int) Math.min(w.rows(), (long) row + outputsAtOnce);
      // What was there before must not show in the padding.
      Arrays.fill(packed, Float.NaN);
      Arrays.fill(scratch, Float.NaN);
      KERNELS.packWeights(w, bias, row, rowEnd, packed, 1, scratch);
      for (int input = 0; input < inputs.rows(); ) {
        int end = (int) Math.min(inputs.rows(), (long) input + inputsAtOnce);
        KERNELS.multiplyRuns(
            x, 3, inputs, input, end, packed, 1, row, rowEnd, y, 0, w.rows(), scratch);
        input = end;
      }
      row = rowEnd;
    }
    return y;
  }

  private static void check(float[] x, Runs inputs, Matrix w, float[] bias, float[] y) {
    for (int i = 0; i < inputs.rows(); i++) {
      for (int r = 0; r < w.rows(); r++) {
        double sum = bias[r];
        double magnitude = Math.abs(sum);
        for (int p = 0; p < w.columns(); p++) {
          int run = p / inputs.length() * inputs.apart() + p % inputs.length();
          double product = Numbers.at(w, r, p) * x[3 + inputs.starts()[i] + run];
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
