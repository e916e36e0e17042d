package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** bf16 rows times inputs, held to products in double precision. */
class Bf16RowsTest {

  private static final float GUARD = -12345;

  private final SplittableRandom random = new SplittableRandom(5);
  private Bf16Rows loops;

  @BeforeEach
  void makeCode() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
    loops = new Bf16Rows(Arena.ofAuto());
  }

  @ParameterizedTest(name = "{0} × {1}")
  @CsvSource({"1, 32", "5, 64", "33, 2048", "8, 6144"})
  void productsAreThoseOfF32(int rows, int columns) {
    short[] weights = new short[(rows + 3) * columns];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (short) (Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16);
    }
    for (MemorySegment data : new MemorySegment[] {heap(weights), outside(weights)}) {
      Matrix w = new Matrix(DType.BF16, data, rows + 3, columns);
      float[] x = new float[columns + 2];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) random.nextGaussian();
      }
      float[] y = new float[rows + 8];
      Arrays.fill(y, GUARD);
      MemorySegment none = MemorySegment.ofArray(new float[0]);

      loops.multiply(
          w, 3, 3 + rows, MemorySegment.ofArray(x), 2, MemorySegment.ofArray(y), 1, none);

      for (int r = 0; r < rows; r++) {
        double exact = 0;
        double size = 0;
        for (int i = 0; i < columns; i++) {
          float weight = Float.intBitsToFloat(weights[(3 + r) * columns + i] << 16);
          exact += (double) weight * x[2 + i];
          size += Math.abs((double) weight * x[2 + i]);
        }
        assertThat((double) y[4 + r]).as("row %d", r).isCloseTo(exact, within(1e-6 * size));
      }
      assertThat(Arrays.copyOf(y, 4)).containsOnly(GUARD);
      assertThat(Arrays.copyOfRange(y, 4 + rows, y.length)).containsOnly(GUARD);
    }
  }

  @Test
  void whatItCannotMultiplyIsLeftToOthers() {
    MemorySegment data = MemorySegment.ofArray(new byte[4 * 48 * 4]);

    assertThat(loops.takes(new Matrix(DType.BF16, data, 4, 48))).isFalse();
    assertThat(loops.takes(new Matrix(DType.F16, data, 4, 32))).isFalse();
    assertThat(loops.takes(new Matrix(DType.BF16, data, 4, 32))).isTrue();
  }

  private static MemorySegment heap(short[] weights) {
    return MemorySegment.ofArray(weights);
  }

  private static MemorySegment outside(short[] weights) {
    MemorySegment data = Arena.ofAuto().allocate(2L * weights.length + 2, 2).asSlice(2);
    return data.copyFrom(heap(weights));
  }
}
