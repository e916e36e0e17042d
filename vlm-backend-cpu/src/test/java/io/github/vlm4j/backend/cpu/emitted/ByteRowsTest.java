package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Quantised rows times inputs, held to products in double precision. */
@ParameterizedClass
@EnumSource
class ByteRowsTest {

  /** What writes the code, and for which processors. */
  enum Form {
    VNNI(ByteCode::new) {
      @Override
      boolean runsOn(CpuFeatures processor) {
        return processor.avx512() && processor.vnni();
      }
    },
    AVX2(Avx2Code::new) {
      @Override
      boolean runsOn(CpuFeatures processor) {
        return processor.avx2();
      }
    };

    private final BiFunction<Assembler, CallingConvention, RowCode> writer;

    Form(BiFunction<Assembler, CallingConvention, RowCode> writer) {
      this.writer = writer;
    }

    abstract boolean runsOn(CpuFeatures processor);
  }

  private static final float GUARD = -12345;

  private final SplittableRandom random = new SplittableRandom(11);
  private final RowLoops loops;

  ByteRowsTest(Form form) {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(form.runsOn(CpuFeatures.ask())).isTrue();
    loops = new ByteRows(form.writer, Arena.ofAuto());
  }

  /** Inputs are whole numbers up to 127 in each group, so that quantising them loses nothing. */
  @ParameterizedTest
  @CsvSource({
    "Q8_0, 1, 5",
    "Q8_0, 2, 1",
    "Q8_0, 7, 33",
    "Q8_0, 64, 8",
    "Q8_0, 17, 9",
    "Q4_0, 1, 5",
    "Q4_0, 2, 1",
    "Q4_0, 7, 33",
    "Q4_0, 64, 8",
    "Q4_0, 17, 9",
    "Q4_K, 1, 5",
    "Q4_K, 2, 1",
    "Q4_K, 8, 33",
    "Q6_K, 1, 5",
    "Q6_K, 2, 1",
    "Q6_K, 8, 33"
  })
  void wholeInputsAreMultipliedExactly(DType type, int blocks, int rows) {
    int columns = blocks * type.blockElements();
    for (boolean heap : new boolean[] {false, true}) {
      Matrix w = matrix(type, rows + 3, columns, heap);
      float[] x = new float[columns + 2];
      for (int i = 0; i < columns; i++) {
        x[2 + i] = i % 32 == 5 ? -127 : random.nextInt(-127, 128);
      }
      assertProducts(w, x, rows, 1e-6);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void anyInputIsOffByNoMoreThanItsGroupAllows(DType type) {
    Matrix w = matrix(type, 40, 1024, false);
    float[] x = new float[1026];
    for (int i = 2; i < x.length; i++) {
      x[i] = (float) (random.nextGaussian() * (i % 64 == 0 ? 20 : 1));
    }
    Arrays.fill(x, 66, 98, 0);
    assertProducts(w, x, 37, 1e-2);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void noInputsGiveZero(DType type) {
    Matrix w = matrix(type, 4, 256, false);
    float[] y = new float[4];
    multiply(w, 0, 4, new float[256], 0, y, 0, new float[loops.scratch(256)]);
    assertThat(y).containsOnly(0);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void anInputThatIsNotFiniteMakesResultsNotFinite(DType type) {
    Matrix w = matrix(type, 6, 512, false);
    for (float value : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      float[] x = new float[512];
      Arrays.fill(x, 0.5f);
      x[300] = value;
      float[] y = new float[6];
      multiply(w, 0, 6, x, 0, y, 0, new float[loops.scratch(512)]);
      for (float result : y) {
        assertThat(result).isNotFinite();
      }
    }
  }

  /** A row's products are summed alike, whether it is one of several streams or what is left. */
  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void rowsAloneGiveTheSameBitsAsTogether(DType type) {
    Matrix w = matrix(type, 7, 768, false);
    float[] x = new float[768];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    float[] scratch = new float[loops.scratch(768)];
    float[] together = new float[7];
    multiply(w, 0, 7, x, 0, together, 0, scratch);
    float[] apart = new float[7];
    for (int r = 0; r < 7; r++) {
      multiply(w, r, r + 1, x, 0, apart, 0, scratch);
    }
    assertThat(apart).isEqualTo(together);
  }

  private void multiply(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt, float[] scratch) {
    MemorySegment memory = MemorySegment.ofArray(scratch);
    int scratchAt = loops.round(w, MemorySegment.ofArray(x), xAt, memory);
    loops.multiply(w, fromRow, toRow, memory, scratchAt, MemorySegment.ofArray(y), yAt);
  }

  private Matrix matrix(DType type, int rows, int columns, boolean heap) {
    float[] numbers = new float[rows * columns];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    int bytes = (int) type.bytes(numbers.length);
    MemorySegment data =
        heap ? MemorySegment.ofArray(new byte[bytes]) : Arena.ofAuto().allocate(bytes, 1);
    BlockCodec.of(type).encode(numbers, 0, numbers.length / type.blockElements(), data, 0);
    return new Matrix(type, data, rows, columns);
  }

  private void assertProducts(Matrix w, float[] x, int rows, double tolerance) {
    float[] y = new float[rows + 8];
    Arrays.fill(y, GUARD);
    float[] scratch = new float[loops.scratch(w.columns()) + 4];
    Arrays.fill(scratch, GUARD);
    multiply(w, 3, 3 + rows, x, 2, y, 1, scratch);
    assertThat(Arrays.copyOfRange(scratch, scratch.length - 4, scratch.length)).containsOnly(GUARD);
    float[] row = new float[w.columns()];
    for (int r = 0; r < rows; r++) {
      BlockCodec.of(w.dtype())
          .decode(w.data(), w.rowOffset(3 + r), row.length / w.dtype().blockElements(), row, 0);
      double exact = 0;
      double weights = 0;
      double inputs = 0;
      for (int i = 0; i < row.length; i++) {
        exact += (double) row[i] * x[2 + i];
        weights += (double) row[i] * row[i];
        inputs += (double) x[2 + i] * x[2 + i];
      }
      assertThat((double) y[1 + 3 + r])
          .as("row %d", r)
          .isCloseTo(exact, within(tolerance * Math.sqrt(weights * inputs)));
    }
    assertThat(Arrays.copyOf(y, 4)).containsOnly(GUARD);
    assertThat(Arrays.copyOfRange(y, 4 + rows, y.length)).containsOnly(GUARD);
  }
}
