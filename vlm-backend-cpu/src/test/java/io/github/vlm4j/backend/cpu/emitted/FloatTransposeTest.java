package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FloatTransposeTest {

  private static final float GUARD = -12345;

  private final SplittableRandom random = new SplittableRandom(23);
  private final FloatTranspose transpose;

  FloatTransposeTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).as("AVX2").isTrue();
    transpose = new FloatTranspose(Arena.ofAuto());
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "8, 8", "7, 9", "16, 64", "17, 65", "40, 24", "120, 3"})
  void rowsBecomeColumnsAndNothingElseIsWritten(int rows, int columns) {
    int xStep = columns + 5;
    int yStep = rows + 3;
    float[] x = new float[2 + (rows - 1) * xStep + columns];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat();
    }
    float[] y = new float[1 + (columns - 1) * yStep + rows];
    Arrays.fill(y, GUARD);

    transpose.transpose(x, 2, xStep, rows, columns, y, 1, yStep);

    for (int i = 0; i < y.length; i++) {
      int column = Math.floorDiv(i - 1, yStep);
      int row = Math.floorMod(i - 1, yStep);
      float expected = i >= 1 && row < rows ? x[2 + row * xStep + column] : GUARD;
      assertThat(y[i]).as("index %d", i).isEqualTo(expected);
    }
  }

  @Test
  void bf16BecomesF32() {
    int columns = 24;
    short[] x = new short[16 * columns];
    for (int i = 0; i < x.length; i++) {
      x[i] = (short) random.nextInt();
    }
    float[] y = new float[columns * 16];

    transpose.blocks(DType.BF16, MemorySegment.ofArray(x), 2L * columns, 16, columns, y, 0, 16);

    for (int i = 0; i < y.length; i++) {
      assertThat(Float.floatToRawIntBits(y[i]))
          .as("index %d", i)
          .isEqualTo(x[i % 16 * columns + i / 16] << 16);
    }
  }

  @Test
  void readsNothingOutsideTheArrays() {
    float[] x = new float[64];

    assertThatThrownBy(() -> transpose.transpose(x, 1, 8, 8, 8, new float[64], 0, 8))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> transpose.transpose(x, 0, 8, 8, 8, new float[64], 1, 8))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
