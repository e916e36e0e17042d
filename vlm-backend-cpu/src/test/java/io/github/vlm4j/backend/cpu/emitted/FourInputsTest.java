package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.FewRowsLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several inputs are held to what each gives alone. */
class FourInputsTest {

  private static final float GUARD = -12345;
  private static final int GUARDS = 4;

  private final SplittableRandom random = new SplittableRandom(11);

  @BeforeEach
  void needsAvx2() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1, 5, 4", "7, 33, 5", "8, 3, 6", "17, 9, 15", "64, 1, 16", "192, 2, 7"})
  void severalInputsGiveWhatEachGivesAlone(int blocks, int rows, int inputs) {
    Matrix w = matrix(rows + 3, blocks * RowMemory.GROUP);
    float[] x = new float[inputs * w.columns() + 2];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) (random.nextGaussian() * (i % 64 == 0 ? 20 : 1));
    }
    Arrays.fill(x, x.length - RowMemory.GROUP, x.length, 0);
    assertThat(together(w, x, inputs)).isEqualTo(alone(w, x, inputs));
  }

  @Test
  void anInputThatIsNotFiniteSpoilsItsOwnResultsAlone() {
    Matrix w = matrix(6, 512);
    float[] x = new float[4 * 512 + 2];
    Arrays.fill(x, 0.5f);
    x[2 + 512 + 300] = Float.NaN;
    float[] y = together(w, x, 4);
    for (int i = 0; i < 4; i++) {
      for (int r = 2; r < 6; r++) {
        assertThat(Float.isFinite(y[1 + 6 * i + r])).as("input %d", i).isEqualTo(i != 1);
      }
    }
  }

  private Matrix matrix(int rows, int columns) {
    float[] numbers = new float[rows * columns];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    MemorySegment data = Arena.ofAuto().allocate(DType.Q8_0.bytes(numbers.length), 1);
    BlockCodec.of(DType.Q8_0).encode(numbers, 0, numbers.length / RowMemory.GROUP, data, 0);
    return new Matrix(DType.Q8_0, data, rows, columns);
  }

  private static float[] alone(Matrix w, float[] x, int inputs) {
    RowLoops loops = new ByteRows(Avx2Code::new, Arena.ofAuto());
    float[] y = guarded(inputs * w.rows() + 1);
    MemorySegment scratch = MemorySegment.ofArray(new float[loops.scratch(w.columns())]);
    for (int i = 0; i < inputs; i++) {
      int scratchAt = loops.round(w, MemorySegment.ofArray(x), 2 + i * w.columns(), scratch);
      MemorySegment results = MemorySegment.ofArray(y);
      loops.multiply(w, 2, w.rows(), scratch, scratchAt, results, 1 + i * w.rows());
    }
    return y;
  }

  private static float[] together(Matrix w, float[] x, int inputs) {
    FewRowsLoops loops = new FourInputs(Arena.ofAuto());
    assertThat(loops.takes(w)).isTrue();
    int each = loops.roundedFloats(w.columns());
    float[] rounded = guarded(inputs * each + GUARDS);
    for (int i = 0; i < inputs; i++) {
      loops.round(
          MemorySegment.ofArray(x),
          2 + i * w.columns(),
          w.columns(),
          MemorySegment.ofArray(rounded),
          i * each);
    }
    float[] scratch = guarded(loops.scratch() + GUARDS);
    float[] y = guarded(inputs * w.rows() + 1);
    loops.multiply(
        w,
        2,
        w.rows(),
        inputs,
        MemorySegment.ofArray(rounded),
        MemorySegment.ofArray(y),
        1,
        MemorySegment.ofArray(scratch));
    for (float[] memory : new float[][] {rounded, scratch}) {
      assertThat(Arrays.copyOfRange(memory, memory.length - GUARDS, memory.length))
          .containsOnly(GUARD);
    }
    return y;
  }

  private static float[] guarded(int length) {
    float[] array = new float[length];
    Arrays.fill(array, GUARD);
    return array;
  }
}
