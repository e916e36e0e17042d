package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attention of rounded numbers is held to that of the scalar kernels. Queries, keys, values and
 * exponentials are each off by up to 2⁻⁹ of themselves, so that results, which are means of values
 * from -1 to 1, are off by less than 0.01, or in two parts by up to 2⁻¹⁸, and 2e-5; what is left
 * out or counted twice is off by more.
 */
@ParameterizedClass(name = "{0}")
@EnumSource
class Bf16AttentionTest {

  /** The forms of attention, each with what results may be off by. */
  enum Form {
    DOT_PRODUCTS(0.01f),
    TILES(0.01f),
    TILES_OF_PARTS(2e-5f);

    private final float most;

    Form(float most) {
      this.most = most;
    }
  }

  @Parameter Form form;

  private static final float UNTOUCHED = -77.5f;

  private final ScalarKernels exact = new ScalarKernels();
  private final Random random = new Random(11);
  private AttentionLoops loops;

  @BeforeEach
  void makeCode() {
    boolean tiles = form != Form.DOT_PRODUCTS;
    EmittedKernels kernels =
        EmittedKernels.make(
                exact, tiles ? Set.of(Products.BF16, Products.TILES) : Set.of(Products.BF16))
            .orElse(null);
    assumeThat(kernels).isNotNull();
    assumeThat(kernels.name().contains("amx")).isEqualTo(tiles);
    loops = kernels.attention(form == Form.TILES_OF_PARTS ? 2 : 1);
    assumeThat(loops).isNotNull();
  }

  @Test
  void numbersBelowTheNormalOnesAreStillNumbersAfterwards() {
    AttentionTask task = task(20, 30, 16, 16);
    attend(loops, task, 0, 20);

    float half = random.nextFloat() / 4 + 0.25f;
    assertThat(Float.MIN_NORMAL * half).isPositive();
  }

  @ParameterizedTest(
      name = "{0} queries, {1} keys, {2} and {3} numbers, causal from {4}, window {5}")
  @CsvSource({
    "16, 16, 64, 64, -1, 0", "17, 1, 64, 64, -1, 0", "50, 300, 64, 64, -1, 0",
    "500, 700, 32, 32, -1, 0", "49, 257, 72, 72, -1, 0", "20, 33, 128, 128, -1, 0",
    "30, 100, 33, 17, -1, 0", "64, 90, 5, 130, -1, 0", "100, 100, 64, 64, 0, 0",
    "97, 600, 64, 64, 503, 0", "300, 300, 40, 24, 0, 70", "530, 900, 16, 16, 370, 300",
    "60, 1000, 16, 16, 900, 3",
  })
  void resultsAreThoseOfTheExactLoopsButForRounding(
      int queries, int keys, int headDim, int valueDim, int visible, int window) {
    AttentionTask task = task(queries, keys, headDim, valueDim);
    task.causal = visible >= 0;
    task.visible = Math.max(0, visible);
    task.window = window;

    assertClose(attend(loops, task, 0, queries), attend(exact, task, 0, queries));
  }

  @Test
  void aPartOfTheQueriesIsWrittenAlone() {
    AttentionTask task = task(120, 80, 64, 64);

    float[] part = attend(loops, task, 40, 90);
    float[] expected = attend(exact, task, 0, 120);

    for (int query = 0; query < 120; query++) {
      for (int d = 0; d < 64; d++) {
        float found = part[task.outAt + query * task.outStride + d];
        if (query >= 40 && query < 90) {
          assertThat(Math.abs(found - expected[task.outAt + query * task.outStride + d]))
              .isLessThan(form.most);
        } else {
          assertThat(found).isEqualTo(UNTOUCHED);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16", "F16", "Q8_0"})
  void keysAndValuesMayBeStoredInAnotherType(DType type) {
    AttentionTask task = task(70, 290, 64, 32);
    task.storedAt = 3;
    task.storedK = stored(type, task.k, task.kAt, task.kStride, 290, 64);
    task.storedV = stored(type, task.v, task.vAt, task.vStride, 290, 32);
    float[] found = attend(loops, task, 0, 70);
    float[] expected = attend(exact, task, 0, 70);

    assertClose(found, expected);
  }

  @Test
  void scoresFarApartGiveTheValueOfTheGreatest() {
    AttentionTask task = task(20, 300, 64, 64);
    Arrays.fill(task.q, 10);
    for (int i = 0; i < task.k.length; i++) {
      task.k[i] = 0;
    }
    int best = 277;
    Arrays.fill(task.k, task.kAt + best * task.kStride, task.kAt + best * task.kStride + 64, 100);

    float[] found = attend(loops, task, 0, 20);

    for (int query = 0; query < 20; query++) {
      for (int d = 0; d < 64; d++) {
        assertThat(
                Math.abs(
                    found[task.outAt + query * task.outStride + d]
                        - task.v[task.vAt + best * task.vStride + d]))
            .isLessThan(form.most);
      }
    }
  }

  /** Sums are brought to a new base only if scores have become far greater. */
  @ParameterizedTest
  @ValueSource(floats = {4e-3f, 0.02f, 0.1f, 0.28f})
  void scoresMayGrowFromKeyToKey(float step) {
    AttentionTask task = task(40, 900, 64, 64);
    Arrays.fill(task.q, 0.125f);
    for (int key = 0; key < 900; key++) {
      int at = task.kAt + key * task.kStride;
      // Whole numbers that bf16 holds exactly, so that scores are off by nothing.
      Arrays.fill(task.k, at, at + 64, (float) Math.floor(key * step));
    }

    assertClose(attend(loops, task, 0, 40), attend(exact, task, 0, 40));
  }

  @Test
  void queriesThatSeeNoKeyGetZeros() {
    AttentionTask task = task(20, 40, 64, 64);
    task.causal = true;
    task.visible = -5;

    float[] found = attend(loops, task, 0, 20);

    for (int query = 0; query < 4; query++) {
      for (int d = 0; d < 64; d++) {
        assertThat(found[task.outAt + query * task.outStride + d]).isZero();
      }
    }
    assertClose(found, attend(exact, task, 0, 20));
  }

  @Test
  void notANumberStaysInItsQuery() {
    AttentionTask task = task(30, 40, 64, 64);
    task.q[task.qAt + 7 * task.qStride + 3] = Float.NaN;

    float[] found = attend(loops, task, 0, 30);

    for (int query = 0; query < 30; query++) {
      assertThat(Float.isNaN(found[task.outAt + query * task.outStride])).isEqualTo(query == 7);
    }
  }

  private static Matrix stored(DType type, float[] x, int at, int stride, int rows, int columns) {
    int before = 3;
    Matrix matrix =
        new Matrix(
            type,
            Arena.ofAuto().allocate(type.bytes((long) (rows + before) * columns), 64),
            rows + before,
            columns);
    for (int i = 0; i < rows; i++) {
      StoredRows.encode(x, at + i * stride, matrix, before + i);
    }
    return matrix;
  }

  private void assertClose(float[] found, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      // Written so that NaN is wrong too.
      assertThat(Math.abs(found[i] - expected[i]) <= form.most)
          .as("element %d is %s instead of %s", i, found[i], expected[i])
          .isTrue();
    }
  }

  private static float[] attend(AttentionLoops loops, AttentionTask task, int from, int to) {
    Arrays.fill(task.out, UNTOUCHED);
    float[] scratch = new float[loops.attendScratch(task.headDim, task.valueDim)];
    Arrays.fill(scratch, Float.NaN);
    loops.attend(task, from, to, scratch);
    return task.out.clone();
  }

  private AttentionTask task(int queries, int keys, int headDim, int valueDim) {
    AttentionTask task = new AttentionTask();
    task.headDim = headDim;
    task.valueDim = valueDim;
    task.keys = keys;
    task.scale = (float) (2 / Math.sqrt(headDim));
    task.qAt = 5;
    task.qStride = headDim + 11;
    task.q = floats(5 + queries * task.qStride);
    task.kAt = 1;
    task.kStride = 2 * headDim;
    task.k = floats(1 + keys * task.kStride);
    task.vAt = 2;
    task.vStride = valueDim + 1;
    task.v = floats(2 + keys * task.vStride);
    task.outAt = 3;
    task.outStride = valueDim + 2;
    task.out = new float[3 + queries * task.outStride + 20];
    return task;
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
