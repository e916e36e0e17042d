package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.LoopsRun;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of numbers in several parts are held to the exact ones. */
@ParameterizedClass
@EnumSource(names = {"F16", "F32"})
class SplitNumbersTest {

  @Parameter DType type;

  private final Random random = new Random(11);

  private RoundedLoops loops;

  @BeforeEach
  void makeCode() {
    EmittedKernels kernels =
        EmittedKernels.make(new ScalarKernels(), Set.of(Products.BF16, Products.TILES))
            .orElse(null);
    assumeThat(kernels).isNotNull();
    assumeThat(kernels.name()).as("products of tiles").contains("amx");
    loops = kernels.rounded(type);
    assertThat(loops).isNotNull();
  }

  @ParameterizedTest(name = "[{0}, {1}] → [{0}, {2}]")
  @CsvSource({
    "1, 1, 1",
    "6, 2, 64",
    "17, 32, 33",
    "33, 33, 15",
    "31, 70, 17",
    "70, 64, 48",
    "200, 130, 130",
    "9, 1024, 70",
    "16, 1025, 33",
    "40, 2100, 63",
    "150, 4101, 100",
  })
  void productsAreOffByLittleMoreThanSumsOfF32OrByNoMore(int rows, int columns, int outputs) {
    float[] x = floats(rows * columns + 3);
    float[] w = weights(outputs * columns);
    float[] bias = floats(outputs);

    float[] y = multiply(x, 3, rows, matrix(w, outputs), bias);

    double errors = 0;
    double sizes = 0;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < outputs; j++) {
        double sum = bias[j];
        double squares = (double) bias[j] * bias[j];
        double size = Math.abs(sum);
        for (int p = 0; p < columns; p++) {
          double product = (double) x[3 + i * columns + p] * w[j * columns + p];
          sum += product;
          squares += product * product;
          size += Math.abs(product);
        }
        double error = y[i * outputs + j] - sum;
        double most = type == DType.F16 ? 0x1p-16 * size : 2e-7 * size + 1e-6;
        assertThat(error).as("row %d, output %d", i, j).isCloseTo(0, within(most));
        errors += error * error;
        sizes += squares;
      }
    }
    // With two parts each product is off by 2⁻¹⁸ of itself at most for either number and for what
    // is left out, by a third of that on average; errors of f32 come on top.
    if (type == DType.F16) {
      assertThat(Math.sqrt(errors / sizes)).isLessThan(0x1p-17);
    }
  }

  @Test
  void weightsMayLieInAnArrayAndAtAnOddAddress() {
    Matrix aligned = matrix(weights(70 * 66), 70);
    MemorySegment odd = Arena.ofAuto().allocate(aligned.data().byteSize() + 1, 64).asSlice(1);
    odd.copyFrom(aligned.data());
    MemorySegment array = MemorySegment.ofArray(new byte[(int) aligned.data().byteSize()]);
    array.copyFrom(aligned.data());
    float[] x = floats(8 * 66);

    float[] expected = multiply(x, 0, 8, aligned, null);

    assertThat(multiply(x, 0, 8, new Matrix(type, odd, 70, 66), null)).isEqualTo(expected);
    assertThat(multiply(x, 0, 8, new Matrix(type, array, 70, 66), null)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 32, 33, 64, 1025})
  void nothingIsReadBeyondTheWeights(int columns) {
    int outputs = 37;
    Matrix w = matrix(weights(outputs * columns), outputs);
    SystemMemory system = SystemMemory.ofThisSystem();
    long bytes = w.data().byteSize();
    MemorySegment pages =
        system.map(Math.ceilDiv(bytes, (long) SystemMemory.PAGE) * SystemMemory.PAGE);
    try {
      // A byte further on lies a page that must not be touched.
      MemorySegment atTheEnd = pages.asSlice(pages.byteSize() - bytes);
      atTheEnd.copyFrom(w.data());
      float[] x = floats(7 * columns);
      float[] expected = multiply(x, 0, 7, w, null);

      assertThat(multiply(x, 0, 7, new Matrix(type, atTheEnd, outputs, columns), null))
          .isEqualTo(expected);
    } finally {
      system.unmap(pages);
    }
  }

  @Test
  void bandsOfInputsAndOutputsGiveTheSameBitsAsAllAtOnce() {
    int rows = 29;
    int columns = 2100;
    int outputs = 200;
    Matrix w = matrix(weights(outputs * columns), outputs);
    float[] x = floats(rows * columns);
    float[] bias = floats(outputs);

    float[] inBands = new LoopsRun(loops, 0).multiplyInBands(x, rows, w, bias);

    assertThat(inBands).isEqualTo(multiply(x, 0, rows, w, bias));
  }

  @Test
  void numbersOfSixteenBitsAreMultipliedExactly() {
    float[] x = {1 + 0x1p-15f, -3, 0x1p-100f, 0, 0x1.fffep100f, 65504, 1.5f};
    float[] w = {1, 1 + 0x1p-10f, 1, 1, 0x1p-10f, 1, -2.25f};

    for (int i = 0; i < x.length; i++) {
      float[] y = multiply(new float[] {x[i]}, 0, 1, matrix(new float[] {w[i]}, 1), null);

      assertThat(y).containsExactly(x[i] * w[i]);
    }
  }

  @Test
  void notANumberStaysInItsRow() {
    float[] x = floats(8 * 40);
    x[3 * 40 + 17] = Float.NaN;
    x[5 * 40] = Float.POSITIVE_INFINITY;

    float[] y = multiply(x, 0, 8, matrix(weights(20 * 40), 20), null);

    for (int i = 0; i < y.length; i++) {
      int row = i / 20;
      assertThat(Float.isFinite(y[i])).as("row %d", row).isEqualTo(row != 3 && row != 5);
    }
  }

  private float[] multiply(float[] x, int xAt, int rows, Matrix w, float @Nullable [] bias) {
    return new LoopsRun(loops, Float.NaN).multiply(x, xAt, rows, w, bias);
  }

  private Matrix matrix(float[] w, int rows) {
    MemorySegment data = Arena.ofAuto().allocate(type.bytes(w.length), 64);
    for (int i = 0; i < w.length; i++) {
      if (type == DType.F32) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, i, w[i]);
      } else {
        data.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(w[i]));
      }
    }
    return new Matrix(type, data, rows, w.length / rows);
  }

  /** Returns numbers that the type of weights can hold. */
  private float[] weights(int count) {
    float[] w = floats(count);
    for (int i = 0; i < count && type == DType.F16; i++) {
      w[i] = Float.float16ToFloat(Float.floatToFloat16(w[i]));
    }
    return w;
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
