package io.github.vlm4j.backend.cpu.emitted;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.LoopsRun;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Products are held to those of the rounded inputs and the weights as blocks, to what sums in f32
 * may be off.
 */
class BlockLoopsTest {

  /** What rows are made of. */
  private enum Numbers {
    WORDS(64, 8191, 2.5e-35f),
    NIBBLES(32, 127, 1e-30f);

    private final int block;

    /** The greatest input of a block becomes this. */
    private final int steps;

    private final float least;

    Numbers(int block, int steps, float least) {
      this.block = block;
      this.steps = steps;
      this.least = least;
    }

    /** Returns inputs rounded to steps, of which the greatest of each block is so many from 0. */
    float[] rounded(float[] x, int at, int rows, int columns) {
      float[] y = new float[rows * columns];
      for (int row = 0; row < rows; row++) {
        for (int from = 0; from < columns; from += block) {
          int count = Math.min(columns - from, block);
          float greatest = least;
          for (int i = 0; i < count; i++) {
            greatest = Math.max(greatest, Math.abs(x[at + row * columns + from + i]));
          }
          float factor = steps / greatest;
          for (int i = 0; i < count; i++) {
            int index = row * columns + from + i;
            y[index] = (float) Math.rint(x[at + index] * factor) * (greatest / steps);
          }
        }
      }
      return y;
    }

    /** Returns what number i of a block that begins at a byte stands for. */
    float weight(MemorySegment blocks, long at, int i) {
      if (this == NIBBLES) {
        float scale = blocks.get(JAVA_FLOAT_UNALIGNED, at + 32);
        float minimum = blocks.get(JAVA_FLOAT_UNALIGNED, at + 36);
        return blocks.get(JAVA_BYTE, at + i) * scale + minimum;
      }
      // The second and the third four of each sixteen have changed places.
      int four = i / 4 % 4;
      int place = i - 4 * four + 4 * (four == 1 ? 2 : four == 2 ? 1 : four);
      float scale = blocks.get(JAVA_FLOAT_UNALIGNED, at + 128);
      return blocks.get(JAVA_SHORT_UNALIGNED, at + 2L * place) * scale;
    }
  }

  private static final float UNTOUCHED = -77.5f;
  private static final int AROUND = 200;

  private final Random random = new Random(5);
  private BlockNumbers words;
  private BlockNumbers nibbles;

  @BeforeEach
  void makeCode() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
    words =
        new WordNumbers(new ScalarKernels(), new FloatTranspose(Arena.ofAuto()), Arena.ofAuto());
    nibbles = new NibbleNumbers(Arena.ofAuto());
  }

  @ParameterizedTest(name = "{4} as {0} [{1}, {2}] → [{1}, {3}]")
  @CsvSource({
    "WORDS, 1, 64, 1, BF16",
    "WORDS, 1, 32, 1, Q8_0",
    "WORDS, 3, 64, 64, Q8_0",
    "WORDS, 7, 32, 65, Q4_0",
    "WORDS, 5, 96, 15, Q8_0",
    "WORDS, 5, 704, 15, Q8_0",
    "WORDS, 13, 256, 16, Q4_K",
    "WORDS, 12, 288, 17, Q4_0",
    "WORDS, 11, 512, 48, Q6_K",
    "WORDS, 200, 256, 130, BF16",
    "WORDS, 385, 64, 64, Q4_0",
    "WORDS, 9, 2048, 70, BF16",
    "WORDS, 8, 2304, 33, Q6_K",
    "WORDS, 51, 4224, 33, Q8_0",
    "WORDS, 2, 4096, 83, Q8_0",
    "WORDS, 14, 1, 9, BF16",
    "WORDS, 15, 65, 24, BF16",
    "WORDS, 16, 588, 23, BF16",
    "WORDS, 49, 1111, 8, BF16",
    "NIBBLES, 1, 32, 1, Q4_0",
    "NIBBLES, 7, 32, 65, Q4_0",
    "NIBBLES, 13, 256, 16, Q4_K",
    "NIBBLES, 12, 288, 17, Q4_0",
    "NIBBLES, 11, 512, 48, Q4_K",
    "NIBBLES, 385, 64, 64, Q4_0",
    "NIBBLES, 9, 2304, 33, Q4_K",
    "NIBBLES, 55, 4384, 70, Q4_0",
    "NIBBLES, 2, 4096, 83, Q4_K",
  })
  void productsAreThoseOfTheRoundedFactors(
      Numbers kind, int rows, int columns, int outputs, DType type) {
    Matrix w = matrix(type, floats(outputs * columns), outputs, columns);
    float[] x = floats(rows * columns + 3);
    float[] bias = floats(outputs);

    float[] y = multiply(kind, x, 3, rows, w, bias);

    float[] weights = weights(kind, w);
    float[] inputs = kind.rounded(x, 3, rows, columns);
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
            .isCloseTo(sum, within(1.5e-6 * size + 1e-6));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4_0", "Q4_K"})
  void weightsOfFourBitsAreKept(DType type) {
    Matrix w = matrix(type, floats(39 * 512), 39, 512);

    float[] weights = weights(Numbers.NIBBLES, w);

    float[] decoded = decoded(w);
    for (int i = 0; i < weights.length; i++) {
      assertThat(weights[i]).as("weight %d", i).isCloseTo(decoded[i], within(1e-6f));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void othersAreOffByHalfAStepOfTheGreatestOfABlock(DType type) {
    float[] x = floats(39 * 512);
    for (int i = 0; i < x.length; i++) {
      // Blocks and halves of blocks of many sizes.
      x[i] *= (float) Math.scalb(1.0, i / 32 % 7 - 3) * (i / 64 % 5 == 0 ? 1e-4f : 1);
    }
    Matrix w = matrix(type, x, 39, 512);

    float[] weights = weights(Numbers.WORDS, w);

    float[] decoded = decoded(w);
    for (int block = 0; block < x.length; block += 64) {
      float greatest = 0;
      for (int i = block; i < block + 64; i++) {
        greatest = Math.max(greatest, Math.abs(decoded[i]));
      }
      // Scales are for the greatest number that blocks of a type may hold beside them, and shares
      // of
      // the greatest scale are off by a sixteenth of a step.
      float slack = type == DType.Q6_K ? 2 : 1;
      float most = 0.57f * slack * greatest / 4063;
      for (int i = block; i < block + 64; i++) {
        assertThat(weights[i]).as("weight %d", i).isCloseTo(decoded[i], within(most));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3e30, 1", "1e-25, 1", "1e-6, 0x1p120", "1e-30, 0x1p120", "1e30, 0x1p-100"})
  void theGreatestWordsDoNotOverflow(float input, String weight) {
    float w = Float.parseFloat(weight.startsWith("0x") ? weight + "f" : weight);
    greatestNumbers(Numbers.WORDS, DType.BF16, input, w);
  }

  /** Of Q8_0 and Q6_K, the least number is one step further from zero than the greatest. */
  @ParameterizedTest
  @CsvSource({"WORDS, Q8_0", "WORDS, Q6_K", "NIBBLES, Q4_0", "NIBBLES, Q4_K"})
  void theGreatestQuantisedWeightsDoNotOverflow(Numbers kind, DType type) {
    Matrix w = matrix(type, floats(2048), 1, 2048);
    for (long block = 0; block < w.data().byteSize() / type.blockBytes(); block++) {
      MemorySegment bytes = w.data().asSlice(block * type.blockBytes(), type.blockBytes());
      switch (type) {
        case Q8_0 -> bytes.asSlice(2).fill((byte) 0x80);
        case Q4_0 -> bytes.asSlice(2).fill((byte) 0xff);
        case Q4_K -> bytes.asSlice(4).fill((byte) 0xff);
        default -> bytes.asSlice(0, 192).fill((byte) 0);
      }
    }
    float[] x = new float[2 * 2048];
    Arrays.fill(x, 0, 2048, 1);
    Arrays.fill(x, 2048, 4096, -1);

    float[] y = multiply(kind, x, 0, 2, w, null);

    double sum = 0;
    for (float weight : decoded(w)) {
      sum += weight;
    }
    assertThat((double) y[0]).isCloseTo(sum, within(2e-4 * Math.abs(sum)));
    assertThat(y[1]).isEqualTo(-y[0]);
  }

  @ParameterizedTest
  @EnumSource
  void theGreatestNumbersDoNotOverflow(Numbers kind) {
    greatestNumbers(kind, kind == Numbers.WORDS ? DType.Q8_0 : DType.Q4_0, 1, 1);
  }

  private void greatestNumbers(Numbers kind, DType type, float input, float w) {
    int columns = 4096;
    float[] weights = new float[2 * columns];
    Arrays.fill(weights, 0, columns, w);
    Arrays.fill(weights, columns, 2 * columns, -w);
    float[] x = new float[2 * columns];
    Arrays.fill(x, 0, columns, input);
    Arrays.fill(x, columns, 2 * columns, -input);

    float[] y = multiply(kind, x, 0, 2, matrix(type, weights, 2, columns), null);

    float sum = columns * w * input;
    float most = (type.isQuantised() ? 5e-4f : 1e-5f) * sum;
    assertThat(y[0]).isCloseTo(sum, within(most));
    assertThat(y[1]).isCloseTo(-sum, within(most));
    assertThat(y[2]).isCloseTo(-sum, within(most));
    assertThat(y[3]).isCloseTo(sum, within(most));
  }

  @ParameterizedTest
  @CsvSource({"WORDS, BF16", "WORDS, Q8_0", "WORDS, Q6_K", "NIBBLES, Q4_0", "NIBBLES, Q4_K"})
  void blocksOfZerosGiveZeros(Numbers kind, DType type) {
    Matrix zeros = matrix(type, new float[3 * 256], 3, 256);
    Matrix w = matrix(type, floats(3 * 256), 3, 256);

    assertThat(multiply(kind, floats(5 * 256), 0, 5, zeros, null)).containsOnly(0);
    assertThat(multiply(kind, new float[5 * 256], 0, 5, w, null)).containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void whatIsNotFiniteMakesItsRowNotFiniteAndNoOther(float value) {
    Matrix bf16 = matrix(DType.BF16, floats(20 * 70), 20, 70);
    Matrix fourBits = matrix(DType.Q4_0, floats(20 * 96), 20, 96);
    assertRowsNotFinite(Numbers.WORDS, value, bf16);
    assertRowsNotFinite(Numbers.NIBBLES, value, fourBits);
  }

  private void assertRowsNotFinite(Numbers kind, float value, Matrix w) {
    int columns = w.columns();
    float[] x = floats(8 * columns);
    x[3 * columns + 17] = value;
    x[5 * columns + 69] = value;

    float[] y = multiply(kind, x, 0, 8, w, null);

    for (int i = 0; i < y.length; i++) {
      int row = i / 20;
      assertThat(Float.isFinite(y[i])).as("row %d", row).isEqualTo(row != 3 && row != 5);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "WORDS, Q8_0, 0x7c00",
    "WORDS, Q6_K, 0x7e01",
    "NIBBLES, Q4_0, 0xfc00",
    "NIBBLES, Q4_K, 0x7e00"
  })
  void aScaleThatIsNotFiniteMakesItsOutputNotFiniteAndNoOther(
      Numbers kind, DType type, String half) {
    Matrix w = matrix(type, floats(20 * 512), 20, 512);
    long at = w.rowOffset(7) + type.blockBytes() + (type == DType.Q6_K ? 208L : 0);
    w.data().set(JAVA_SHORT_UNALIGNED, at, Integer.decode(half).shortValue());

    float[] y = multiply(kind, floats(8 * 512), 0, 8, w, null);

    for (int i = 0; i < y.length; i++) {
      assertThat(Float.isFinite(y[i])).as("output %d", i % 20).isEqualTo(i % 20 != 7);
    }
  }

  @ParameterizedTest
  @CsvSource({"WORDS, BF16", "WORDS, Q8_0", "WORDS, Q4_K", "WORDS, Q6_K", "NIBBLES, Q4_K"})
  void bandsOfInputsAndOutputsGiveTheSameBitsAsAllAtOnce(Numbers kind, DType type) {
    int rows = 29;
    int columns = 768;
    int outputs = 200;
    Matrix w = matrix(type, floats(outputs * columns), outputs, columns);
    float[] x = floats(rows * columns);
    float[] bias = floats(outputs);
    float[] whole = multiply(kind, x, 0, rows, w, bias);

    float[] inBands = run(kind).multiplyInBands(x, rows, w, bias);

    assertThat(inBands).isEqualTo(whole);
  }

  @ParameterizedTest
  @CsvSource({"WORDS, Q8_0", "WORDS, Q6_K", "NIBBLES, Q4_0", "NIBBLES, Q4_K"})
  void nothingIsReadBeyondTheRows(Numbers kind, DType type) {
    SystemMemory system = SystemMemory.ofThisSystem();
    MemorySegment pages = system.map(SystemMemory.PAGE);
    try {
      Matrix w = matrix(type, floats(5 * 256), 5, 256);
      float[] expected = weights(kind, w);
      long bytes = w.data().byteSize();
      for (long at : new long[] {0, pages.byteSize() - bytes}) {
        MemorySegment data = pages.asSlice(at, bytes);
        data.copyFrom(w.data());
        assertThat(weights(kind, new Matrix(type, data, 5, 256))).isEqualTo(expected);
      }
    } finally {
      system.unmap(pages);
    }
  }

  private float[] multiply(
      Numbers kind, float[] x, int xAt, int rows, Matrix w, float @Nullable [] bias) {
    return run(kind).multiply(x, xAt, rows, w, bias);
  }

  private LoopsRun run(Numbers kind) {
    return new LoopsRun(new BlockLoops(numbers(kind), new CacheLines(Arena.ofAuto())), Float.NaN);
  }

  private BlockNumbers numbers(Numbers kind) {
    return kind == Numbers.WORDS ? words : nibbles;
  }

  /** Returns what the blocks of weights in panels stand for. */
  private float[] weights(Numbers kind, Matrix w) {
    BlockNumbers numbers = numbers(kind);
    int rowFloats = Math.ceilDiv(w.columns(), numbers.size()) * numbers.floats();
    int apart = 16 * rowFloats + 3;
    int panels = Math.ceilDiv(w.rows(), 16);
    int end = panels * apart + numbers.scratch(w.columns());
    float[] packed = new float[end + AROUND];
    Arrays.fill(packed, end, packed.length, UNTOUCHED);
    numbers.layOut(w, 0, w.rows(), packed, 0, apart, panels * apart);
    for (int i = end; i < packed.length; i++) {
      assertThat(packed[i]).isEqualTo(UNTOUCHED);
    }
    MemorySegment row = Arena.ofAuto().allocate(4L * rowFloats);
    float[] x = new float[w.rows() * w.columns()];
    for (int i = 0; i < w.rows(); i++) {
      for (int j = 0; j < rowFloats; j++) {
        row.setAtIndex(JAVA_FLOAT, j, packed[i / 16 * apart + 16 * j + i % 16]);
      }
      for (int j = 0; j < w.columns(); j++) {
        long at = 4L * (j / numbers.size()) * numbers.floats();
        x[i * w.columns() + j] = kind.weight(row, at, j % numbers.size());
      }
    }
    return x;
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
        data.set(JAVA_SHORT_UNALIGNED, 2L * i, upper);
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
