package io.github.vlm4j.backend.cpu.emitted;

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

/** Products are held to those of the rounded inputs, to what sums in f32 may be off. */
@ParameterizedClass(name = "tiles: {0}")
@ValueSource(booleans = {false, true})
class Bf16LoopsTest {

  @Parameter boolean tiles;

  /** What results must not overwrite. */
  private final Random random = new Random(7);

  private RoundedLoops loops;

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
  }

  @ParameterizedTest(name = "[{0}, {1}] → [{0}, {2}]")
  @CsvSource({
    "1, 1, 1",
    "6, 2, 64",
    "7, 32, 65",
    "5, 33, 15",
    "13, 31, 16",
    "12, 70, 17",
    "11, 64, 48",
    "200, 130, 130",
    "385, 64, 64",
    "9, 2048, 70",
    "8, 2050, 33",
    "10, 4101, 63",
    "17, 5000, 128",
    "150, 4101, 100",
  })
  void productsAreThoseOfTheRoundedInputs(int rows, int columns, int outputs) {
    float[] x = floats(rows * columns + 3);
    float[] bias = floats(outputs);
    float[] y = multiply(x, 3, rows, matrix(outputs, columns), bias);

    assertProducts(y, x, 3, rows, columns, outputs, bias);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void quantisedWeightsAreDecodedThenRounded(DType type) {
    int rows = 10;
    int columns = 512;
    int outputs = 70;
    BlockCodec codec = BlockCodec.of(type);
    MemorySegment data = Arena.ofAuto().allocate(type.bytes((long) outputs * columns));
    int blocks = outputs * columns / type.blockElements();
    codec.encode(floats(outputs * columns), 0, blocks, data, 0);
    float[] decoded = new float[outputs * columns];
    codec.decode(data, 0, blocks, decoded, 0);
    MemorySegment bits = MemorySegment.ofArray(new short[decoded.length]);
    for (int i = 0; i < decoded.length; i++) {
      short upper = (short) (Float.floatToRawIntBits(rounded(decoded[i])) >>> 16);
      bits.setAtIndex(ValueLayout.JAVA_SHORT, i, upper);
    }
    float[] x = floats(rows * columns);

    assertThat(multiply(x, 0, rows, new Matrix(type, data, outputs, columns), null))
        .isEqualTo(multiply(x, 0, rows, new Matrix(DType.BF16, bits, outputs, columns), null));
  }

  @Test
  void weightsMayLieInAnArrayAndAtAnOddAddress() {
    Matrix native1 = matrix(70, 66);
    MemorySegment odd = Arena.ofAuto().allocate(native1.data().byteSize() + 1, 64).asSlice(1);
    odd.copyFrom(native1.data());
    MemorySegment array = MemorySegment.ofArray(new short[70 * 66]);
    array.copyFrom(native1.data());
    float[] x = floats(8 * 66);

    float[] expected = multiply(x, 0, 8, native1, null);

    assertThat(multiply(x, 0, 8, new Matrix(DType.BF16, odd, 70, 66), null)).isEqualTo(expected);
    assertThat(multiply(x, 0, 8, new Matrix(DType.BF16, array, 70, 66), null)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 32, 33, 64, 2049})
  void nothingIsReadBeyondTheWeights(int columns) {
    int outputs = 37;
    Matrix w = matrix(outputs, columns);
    SystemMemory system = SystemMemory.ofThisSystem();
    long bytes = w.data().byteSize();
    MemorySegment pages =
        system.map(Math.ceilDiv(bytes, (long) SystemMemory.PAGE) * SystemMemory.PAGE);
    try {
      // A byte further on lies a page that must not be touched.
      MemorySegment atTheEnd = pages.asSlice(pages.byteSize() - bytes);
      atTheEnd.copyFrom(w.data());
      MemorySegment atTheBeginning = pages.asSlice(0, bytes);
      float[] x = floats(7 * columns);
      float[] expected = multiply(x, 0, 7, w, null);

      assertThat(multiply(x, 0, 7, new Matrix(DType.BF16, atTheEnd, outputs, columns), null))
          .isEqualTo(expected);
      atTheBeginning.copyFrom(w.data());
      assertThat(multiply(x, 0, 7, new Matrix(DType.BF16, atTheBeginning, outputs, columns), null))
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
    Matrix w = matrix(outputs, columns);
    float[] x = floats(rows * columns);
    float[] bias = floats(outputs);
    float[] whole = multiply(x, 0, rows, w, bias);

    float[] inBands = new LoopsRun(loops, 0).multiplyInBands(x, rows, w, bias);

    assertThat(inBands).isEqualTo(whole);
  }

  @Test
  void inputsAreRoundedToTheNearestAndTiesToEven() {
    float up = 1 + 1 / 128f;
    float[] x = {
      1,
      up,
      1 + 1 / 256f,
      1 + 3 / 256f,
      1 + 1.001f / 256,
      -1 - 1 / 256f,
      3.4e38f,
      1e-40f,
      Float.POSITIVE_INFINITY,
      -0f,
    };

    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      Matrix one = new Matrix(DType.BF16, MemorySegment.ofArray(new short[] {0x3f80}), 1, 1);
      y[i] = multiply(new float[] {x[i]}, 0, 1, one, null)[0];
    }

    assertThat(y)
        .containsExactly(
            1, up, 1, 1 + 2 / 128f, up, -1, Float.POSITIVE_INFINITY, 0, Float.POSITIVE_INFINITY, 0);
  }

  @Test
  void notANumberStaysInItsRow() {
    float[] x = floats(8 * 40);
    x[3 * 40 + 17] = Float.NaN;

    float[] y = multiply(x, 0, 8, matrix(20, 40), null);

    for (int i = 0; i < y.length; i++) {
      assertThat(Float.isNaN(y[i])).as("row %d", i / 20).isEqualTo(i / 20 == 3);
    }
  }

  private float[] multiply(float[] x, int xAt, int rows, Matrix w, float @Nullable [] bias) {
    return new LoopsRun(loops, 0).multiply(x, xAt, rows, w, bias);
  }

  private void assertProducts(
      float[] y, float[] x, int xAt, int rows, int columns, int outputs, float[] bias) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < outputs; j++) {
        double sum = bias[j];
        double size = Math.abs(sum);
        for (int p = 0; p < columns; p++) {
          double product = (double) rounded(x[xAt + i * columns + p]) * weight(j, p);
          sum += product;
          size += Math.abs(product);
        }
        assertThat((double) y[i * outputs + j])
            .as("row %d, output %d", i, j)
            .isCloseTo(sum, within(2e-7 * size + 1e-6));
      }
    }
  }

  private static float rounded(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  /** Weights that are a function of their place. */
  private static float weight(int row, int column) {
    int bits = Float.floatToRawIntBits((float) Math.sin(row * 17.3 + column * 1.7));
    return Float.intBitsToFloat(bits & 0xffff0000);
  }

  private static Matrix matrix(int rows, int columns) {
    MemorySegment data = Arena.ofAuto().allocate(2L * rows * columns, 64);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        data.setAtIndex(
            ValueLayout.JAVA_SHORT,
            (long) i * columns + j,
            (short) (Float.floatToRawIntBits(weight(i, j)) >>> 16));
      }
    }
    return new Matrix(DType.BF16, data, rows, columns);
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
