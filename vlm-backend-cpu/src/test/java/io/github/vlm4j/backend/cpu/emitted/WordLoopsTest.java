package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products are held to those of the rounded factors, to what sums in f32 may be off. */
class WordLoopsTest {

  private static final int BLOCK = 64;
  private static final int GREATEST_INPUT = 8191;
  private static final int GREATEST_WEIGHT = 4095;

  private final Random random = new Random(5);
  private RoundedLoops loops;

  @BeforeEach
  void makeCode() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
    loops =
        new WordLoops(
            new ScalarKernels(),
            new WordFunctions(Arena.ofAuto()),
            new FloatTranspose(Arena.ofAuto()),
            type -> true,
            1);
  }

  @ParameterizedTest(name = "{3} [{0}, {1}] → [{0}, {2}]")
  @CsvSource({
    "1, 64, 1, BF16",
    "1, 32, 1, Q8_0",
    "3, 64, 64, Q8_0",
    "7, 32, 65, Q4_0",
    "5, 96, 15, Q8_0",
    "13, 256, 16, Q4_K",
    "12, 288, 17, Q4_0",
    "11, 512, 48, Q6_K",
    "200, 256, 130, BF16",
    "385, 64, 64, Q4_0",
    "9, 2048, 70, BF16",
    "8, 2304, 33, Q6_K",
    "14, 1, 9, BF16",
    "15, 65, 24, BF16",
    "16, 588, 23, BF16",
    "49, 1111, 8, BF16",
  })
  void productsAreThoseOfTheRoundedFactors(int rows, int columns, int outputs, DType type) {
    Matrix w = matrix(type, floats(outputs * columns), outputs, columns);
    float[] x = floats(rows * columns + 3);
    float[] bias = floats(outputs);

    float[] y = multiply(x, 3, rows, w, bias);

    float[] weights = rounded(decoded(w), 0, outputs, columns, GREATEST_WEIGHT);
    float[] inputs = rounded(x, 3, rows, columns, GREATEST_INPUT);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < outputs; j++) {
        double sum = bias[j];
        double size = Math.abs(sum);
        for (int p = 0; p < columns; p++) {
          double product = (double) inputs[i * columns + p] * weights[j * columns + p];
          sum += product;
          size += Math.abs(product);
        }
        assertThat((double) y[i * outputs + j])
            .as("row %d, output %d", i, j)
            .isCloseTo(sum, within(1e-6 * size + 1e-6));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3e30, 1", "1e-25, 1", "1e-6, 0x1p120", "1e-30, 0x1p120", "1e30, 0x1p-100"})
  void theGreatestNumbersDoNotOverflow(float input, String weight) {
    int columns = 4096;
    float w = Float.parseFloat(weight.startsWith("0x") ? weight + "f" : weight);
    float[] weights = new float[2 * columns];
    Arrays.fill(weights, 0, columns, w);
    Arrays.fill(weights, columns, 2 * columns, -w);
    float[] x = new float[2 * columns];
    Arrays.fill(x, 0, columns, input);
    Arrays.fill(x, columns, 2 * columns, -input);

    float[] y = multiply(x, 0, 2, matrix(DType.BF16, weights, 2, columns), null);

    float sum = columns * w * input;
    assertThat(y[0]).isCloseTo(sum, within(1e-5f * sum));
    assertThat(y[1]).isCloseTo(-sum, within(1e-5f * sum));
    assertThat(y[2]).isCloseTo(-sum, within(1e-5f * sum));
    assertThat(y[3]).isCloseTo(sum, within(1e-5f * sum));
  }

  @Test
  void blocksOfZerosGiveZeros() {
    Matrix w = matrix(DType.BF16, new float[3 * 64], 3, 64);

    assertThat(multiply(floats(5 * 64), 0, 5, w, null)).containsOnly(0);
    assertThat(multiply(new float[5 * 64], 0, 5, matrix(DType.BF16, floats(192), 3, 64), null))
        .containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNotFiniteMakesItsRowNotFiniteAndNoOther(float value) {
    float[] x = floats(8 * 70);
    x[3 * 70 + 17] = value;
    x[5 * 70 + 69] = value;

    float[] y = multiply(x, 0, 8, matrix(DType.BF16, floats(20 * 70), 20, 70), null);

    for (int i = 0; i < y.length; i++) {
      int row = i / 20;
      assertThat(Float.isFinite(y[i])).as("row %d", row).isEqualTo(row != 3 && row != 5);
    }
  }

  @Test
  void bandsOfInputsAndOutputsGiveTheSameBitsAsAllAtOnce() {
    int rows = 29;
    int columns = 768;
    int outputs = 200;
    Matrix w = matrix(DType.Q4_K, floats(outputs * columns), outputs, columns);
    float[] x = floats(rows * columns);
    float[] bias = floats(outputs);
    float[] whole = multiply(x, 0, rows, w, bias);

    float[] inBands = new LoopsRun(loops, Float.NaN).multiplyInBands(x, rows, w, bias);

    assertThat(inBands).isEqualTo(whole);
  }

  private float[] multiply(float[] x, int xAt, int rows, Matrix w, float @Nullable [] bias) {
    return new LoopsRun(loops, Float.NaN).multiply(x, xAt, rows, w, bias);
  }

  /** Returns numbers rounded to steps, of which the greatest of each block is so many from 0. */
  private static float[] rounded(float[] x, int at, int rows, int columns, int steps) {
    float[] y = new float[rows * columns];
    for (int row = 0; row < rows; row++) {
      for (int block = 0; block < columns; block += BLOCK) {
        int from = row * columns + block;
        int to = row * columns + Math.min(columns, block + BLOCK);
        float greatest = 2.5e-35f;
        for (int i = from; i < to; i++) {
          greatest = Math.max(greatest, Math.abs(x[at + i]));
        }
        float factor = steps / greatest;
        for (int i = from; i < to; i++) {
          y[i] = (float) Math.rint(x[at + i] * factor) * (greatest / steps);
        }
      }
    }
    return y;
  }

  private static float[] decoded(Matrix w) {
    float[] x = new float[w.rows() * w.columns()];
    for (int row = 0; row < w.rows(); row++) {
      new ScalarKernels().decodeRow(w, row, x, row * w.columns());
    }
    return x;
  }

  private static Matrix matrix(DType type, float[] x, int rows, int columns) {
    MemorySegment data = Arena.ofAuto().allocate(type.bytes((long) rows * columns));
    if (type.isQuantised()) {
      BlockCodec.of(type).encode(x, 0, rows * columns / type.blockElements(), data, 0);
    } else {
      for (int i = 0; i < rows * columns; i++) {
        short upper = (short) (Float.floatToRawIntBits(x[i]) >> 16);
        data.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, upper);
      }
    }
    return new Matrix(type, data, rows, columns);
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
