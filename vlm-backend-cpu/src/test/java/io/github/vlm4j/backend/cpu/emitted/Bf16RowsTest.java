package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Rows of bf16 times inputs, held to products in double precision. */
class Bf16RowsTest {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final float GUARD = -12345;

  private final SplittableRandom random = new SplittableRandom(11);
  private RowLoops loops;

  @BeforeEach
  void make() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
    loops = new Bf16Rows(Arena.ofAuto());
  }

  @ParameterizedTest
  @CsvSource({"32, 1", "32, 4", "64, 3", "96, 33", "2048, 8", "544, 9", "1024, 30"})
  void everyRowIsTheProduct(int columns, int rows) {
    for (boolean heap : new boolean[] {false, true}) {
      Matrix w = matrix(rows + 5, columns, heap);
      float[] x = inputs(columns + 2);
      float[] y = new float[rows + 8];
      Arrays.fill(y, GUARD);
      float[] scratch = new float[loops.scratch(columns) + 4];
      Arrays.fill(scratch, GUARD);
      multiply(w, 3, 3 + rows, x, 2, y, 1, scratch);
      assertThat(Arrays.copyOfRange(scratch, scratch.length - 4, scratch.length))
          .containsOnly(GUARD);
      for (int r = 0; r < rows; r++) {
        double exact = 0;
        double size = 0;
        for (int i = 0; i < columns; i++) {
          exact += (double) weight(w, 3 + r, i) * x[2 + i];
          size += Math.abs((double) weight(w, 3 + r, i) * x[2 + i]);
        }
        assertThat((double) y[4 + r]).as("row %d", r).isCloseTo(exact, within(1e-6 * size));
      }
      assertThat(Arrays.copyOf(y, 4)).containsOnly(GUARD);
      assertThat(Arrays.copyOfRange(y, 4 + rows, y.length)).containsOnly(GUARD);
    }
  }

  @Test
  void whatARowComesToDoesNotDependOnThoseBesideIt() {
    Matrix w = matrix(23, 256, false);
    float[] x = inputs(256);
    float[] scratch = new float[loops.scratch(256)];
    float[] together = new float[23];
    multiply(w, 0, 23, x, 0, together, 0, scratch);
    float[] apart = new float[23];
    for (int r = 0; r < 23; r++) {
      multiply(w, r, r + 1, x, 0, apart, 0, scratch);
    }
    assertThat(apart).isEqualTo(together);
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.NEGATIVE_INFINITY})
  void anInputThatIsNotFiniteMakesResultsNotFinite(float value) {
    Matrix w = matrix(6, 512, false);
    float[] x = inputs(512);
    x[300] = value;
    float[] y = new float[6];
    multiply(w, 0, 6, x, 0, y, 0, new float[loops.scratch(512)]);
    for (float result : y) {
      assertThat(result).isNotFinite();
    }
  }

  @Test
  void otherWeightsAreLeftToOthers() {
    MemorySegment data = Arena.ofAuto().allocate(4096);
    assertThat(loops.takes(new Matrix(DType.BF16, data, 2, 64))).isTrue();
    assertThat(loops.takes(new Matrix(DType.BF16, data, 2, 65))).isFalse();
    assertThat(loops.takes(new Matrix(DType.BF16, data, 2, 0))).isFalse();
    assertThat(loops.takes(new Matrix(DType.F16, data, 2, 64))).isFalse();
  }

  private void multiply(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt, float[] scratch) {
    MemorySegment memory = MemorySegment.ofArray(scratch);
    int scratchAt = loops.round(w, MemorySegment.ofArray(x), xAt, memory);
    loops.multiply(w, fromRow, toRow, memory, scratchAt, MemorySegment.ofArray(y), yAt);
  }

  private float[] inputs(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  private Matrix matrix(int rows, int columns, boolean heap) {
    int bytes = rows * columns * Short.BYTES;
    MemorySegment data =
        heap ? MemorySegment.ofArray(new byte[bytes]) : Arena.ofAuto().allocate(bytes, 1);
    for (int i = 0; i < rows * columns; i++) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian());
      data.set(SHORT, (long) Short.BYTES * i, (short) (bits >>> 16));
    }
    return new Matrix(DType.BF16, data, rows, columns);
  }

  private static float weight(Matrix w, int row, int column) {
    short bits = w.data().get(SHORT, w.rowOffset(row) + (long) Short.BYTES * column);
    return Float.intBitsToFloat(bits << 16);
  }
}
