package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.LoopsRun;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Products are held to those of the inputs rounded and the weights as bytes, to what sums in f32
 * may be off.
 */
class Int8LoopsTest {

  private static final int BLOCK = 32;

  private final Random random = new Random(5);
  private RoundedLoops loops;

  @BeforeEach
  void makeCode() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().vnni()).isTrue();
    EmittedKernels kernels =
        EmittedKernels.make(new ScalarKernels(), Set.of(Products.BYTES)).orElse(null);
    assumeThat(kernels).isNotNull();
    loops = kernels.rounded(DType.Q8_0);
    assertThat(loops).isInstanceOf(Int8Loops.class);
  }

  @ParameterizedTest(name = "{3} [{0}, {1}] → [{0}, {2}]")
  @CsvSource({
    "1, 32, 1, Q8_0",
    "3, 64, 64, Q8_0",
    "7, 32, 65, Q4_0",
    "5, 96, 15, Q8_0",
    "13, 256, 16, Q4_K",
    "12, 288, 17, Q4_0",
    "11, 512, 48, Q6_K",
    "200, 256, 130, Q8_0",
    "385, 64, 64, Q4_0",
    "9, 2048, 70, Q4_K",
    "8, 2304, 33, Q6_K",
  })
  void productsAreThoseOfTheQuantisedFactors(int rows, int columns, int outputs, DType type) {
    Matrix w = matrix(type, floats(outputs * columns), outputs, columns);
    float[] x = floats(rows * columns + 3);
    float[] bias = floats(outputs);

    float[] y = multiply(x, 3, rows, w, bias);

    float[] weights = asBytes(w);
    float[] inputs = quantised(x, 3, rows * columns);
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

  @Test
  void theGreatestNumbersDoNotOverflow() {
    int columns = 4096;
    float[] ones = new float[2 * columns];
    Arrays.fill(ones, 0, columns, 1);
    Arrays.fill(ones, columns, 2 * columns, -1);
    Matrix w = matrix(DType.Q8_0, ones, 2, columns);

    float[] y = multiply(ones, 0, 2, w, null);

    assertThat(y[0]).isCloseTo(4096, within(1f));
    assertThat(y[1]).isCloseTo(-4096, within(1f));
    assertThat(y[2]).isCloseTo(-4096, within(1f));
    assertThat(y[3]).isCloseTo(4096, within(1f));
  }

  @Test
  void blocksOfZerosGiveZeros() {
    Matrix w = matrix(DType.Q8_0, new float[3 * 64], 3, 64);

    assertThat(multiply(floats(5 * 64), 0, 5, w, null)).containsOnly(0);
    assertThat(multiply(new float[5 * 64], 0, 5, matrix(DType.Q8_0, floats(192), 3, 64), null))
        .containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void whatIsNotFiniteMakesItsRowNotFiniteAndNoOther(float value) {
    float[] x = floats(8 * 64);
    x[3 * 64 + 17] = value;

    float[] y = multiply(x, 0, 8, matrix(DType.Q8_0, floats(20 * 64), 20, 64), null);

    for (int i = 0; i < y.length; i++) {
      assertThat(Float.isFinite(y[i])).as("row %d", i / 20).isEqualTo(i / 20 != 3);
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

  /** Returns numbers rounded to 255 steps from minus to plus the greatest of each block. */
  private static float[] quantised(float[] x, int at, int count) {
    float[] y = new float[count];
    for (int block = 0; block < count; block += BLOCK) {
      float greatest = 0;
      for (int i = 0; i < BLOCK; i++) {
        greatest = Math.max(greatest, Math.abs(x[at + block + i]));
      }
      float factor = 127 / Math.max(greatest, 1e-30f);
      for (int i = 0; i < BLOCK; i++) {
        float scale = Math.max(greatest, 1e-30f) / 127;
        y[block + i] = (float) Math.rint(x[at + block + i] * factor) * scale;
      }
    }
    return y;
  }

  private static float[] asBytes(Matrix w) {
    int apart = w.columns() / BLOCK * Int8Code.INPUT_BYTES;
    MemorySegment records = Arena.ofAuto().allocate((long) w.rows() * apart);
    new BlockRowFunctions(ByteBlockCode::new, Arena.ofAuto())
        .decode(w, 0, w.rows(), records, apart);
    float[] x = new float[w.rows() * w.columns()];
    for (int i = 0; i < x.length; i++) {
      long record = (long) Int8Code.INPUT_BYTES * (i / BLOCK);
      float scale = records.get(JAVA_FLOAT_UNALIGNED, record + BLOCK);
      x[i] = records.get(JAVA_BYTE, record + i % BLOCK) * scale;
    }
    return x;
  }

  private static Matrix matrix(DType type, float[] x, int rows, int columns) {
    MemorySegment data = Arena.ofAuto().allocate(type.bytes((long) rows * columns));
    BlockCodec.of(type).encode(x, 0, rows * columns / type.blockElements(), data, 0);
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
