package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.AttentionTasks;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.backend.cpu.vector.VectorKernels;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

/** Attention of few queries, held to what compiled Java makes of the same keys and values. */
class FewQueriesTest {

  private static final List<FloatTile> TILES = List.of(FloatTile.AVX2, FloatTile.AVX512);

  private final SplittableRandom random = new SplittableRandom(23);
  private final VectorKernels compiled = new VectorKernels();
  private CpuFeatures features;

  @BeforeEach
  void needsAnX86() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    features = CpuFeatures.ask();
  }

  @ParameterizedTest
  @CsvSource({
    // queries, keys, headDim, valueDim, causal, gap
    "1, 1, 32, 32, false, 0",
    "1, 3, 64, 96, false, 4",
    "1, 4, 128, 128, false, 0",
    "2, 5, 128, 128, false, 0",
    "2, 255, 128, 64, false, 3",
    "2, 256, 64, 128, false, 0",
    "2, 517, 128, 128, false, 0",
    "3, 300, 96, 160, false, 1",
    "4, 40, 128, 128, true, 0",
    "5, 261, 32, 64, true, 2",
    "2, 600, 256, 32, true, 0",
    "2, 300, 40, 128, false, 0",
    "2, 300, 128, 24, false, 0",
    "2, 0, 128, 32, false, 0"
  })
  void resultsAreThoseOfCompiledLoops(
      int queries, int keys, int headDim, int valueDim, boolean causal, int gap) {
    for (FewQueries loops : loops()) {
      AttentionTask task = task(queries, keys, headDim, valueDim, gap);
      task.causal = causal;
      task.visible = keys - queries;

      check(loops, task, queries);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 2, 517, 128",
    "F16, 1, 3, 32",
    "BF16, 2, 517, 128",
    "BF16, 3, 260, 64",
    "Q8_0, 2, 300, 64",
    "F16, 2, 70, 48"
  })
  void storedKeysAndValuesAreReadAsTheyLie(DType type, int queries, int keys, int headDim) {
    for (FewQueries loops : loops()) {
      AttentionTask task = task(queries, keys + 5, headDim, headDim, 0);
      task.storedK = stored(type, task.k, task.kAt, keys + 5, headDim);
      task.storedV = stored(type, task.v, task.vAt, keys + 5, headDim);
      task.storedAt = 5;
      task.keys = keys;

      check(loops, task, queries);
    }
  }

  @Test
  void inAWindowNoKeyBeforeItIsRead() {
    for (FewQueries loops : loops()) {
      AttentionTask task = task(3, 300, 64, 64, 0);
      task.causal = true;
      task.visible = 297;
      task.window = 50;
      int unseen = task.first(0);
      task.k = Arrays.copyOfRange(task.k, task.kAt + unseen * task.kStride, task.k.length);
      task.kAt = -unseen * task.kStride;

      check(loops, task, 3);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void readsNothingOutsideOfWhatIsGiven(DType type) {
    for (FewQueries loops : loops()) {
      AttentionTask task = task(2, 40, 64, 64, 0);
      if (type != DType.F32) {
        task.storedK = stored(type, task.k, task.kAt, 40, 64);
        task.storedV = stored(type, task.v, task.vAt, 40, 64);
      }
      float[] scores = new float[80];

      loops.score(task, 0, 1, 0, 40, scores, 0, 40);
      assertThatThrownBy(() -> loops.soften(task, 65, scores, 0, 80, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.soften(task, 80, scores, 1, 0, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.score(task, 0, 1, 1, 40, scores, 0, 40))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.score(task, 0, 2, 0, 40, scores, 0, 40))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.score(task, 0, 1, 0, 40, scores, 1, 40))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.addValues(task, 0, 1, 1, 40, scores, 0, 40, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.addValues(task, 1, 1, 0, 40, scores, 0, 40, 17))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> loops.addValues(task, 0, 2, 0, 40, scores, 0, 40, 0))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, -Infinity", "7, 3", "16, 90", "17, -2", "255, -Infinity", "1024, 0.5"})
  void exponentialsAreRelativeToTheGreatestScoreSoFar(int keys, float before) {
    for (FewQueries loops : loops()) {
      AttentionTask task = new AttentionTask();
      task.scale = 0.3f;
      float[] scratch = floats(3 + 1024 + 2);
      for (int i = 0; i < keys; i++) {
        scratch[3 + i] = i % 5 == 4 ? Float.NEGATIVE_INFINITY : 200 * scratch[3 + i];
      }
      scratch[1] = before;
      float[] scores = scratch.clone();

      loops.soften(task, keys, scratch, 3, 1, 2);

      float greatest = before;
      for (int i = 0; i < keys; i++) {
        greatest = Math.max(greatest, scores[3 + i] * task.scale);
      }
      assertThat(scratch[1]).isEqualTo(greatest);
      double sum = 0;
      for (int i = 0; i < keys; i++) {
        double exponential = Math.exp((double) scores[3 + i] * task.scale - greatest);
        sum += exponential;
        // Of a distance of up to 120 half of the last bit is 4e-6; the smallest numbers are zero.
        assertThat((double) scratch[3 + i])
            .isCloseTo(exponential, within(1e-5 * exponential + Float.MIN_NORMAL * 4));
      }
      assertThat((double) scratch[2]).isCloseTo(sum, within(1e-5 * sum));
      assertThat(scratch[0]).isEqualTo(scores[0]);
      int behind = 3 + Math.ceilDiv(keys, 16) * 16;
      assertThat(Arrays.copyOfRange(scratch, behind, scratch.length))
          .isEqualTo(Arrays.copyOfRange(scores, behind, scores.length));
    }
  }

  @Test
  void scoresThatAreNotNumbersStayNone() {
    for (FewQueries loops : loops()) {
      AttentionTask task = new AttentionTask();
      task.scale = 1;
      float[] scratch = new float[50];
      scratch[0] = Float.NEGATIVE_INFINITY;
      scratch[2 + 20] = Float.NaN;

      loops.soften(task, 40, scratch, 2, 0, 1);

      assertThat(scratch[1]).isNaN();
      assertThat(scratch[2 + 20]).isNaN();
      assertThat(scratch[2 + 21]).isEqualTo(1);

      Arrays.fill(scratch, Float.NEGATIVE_INFINITY);
      loops.soften(task, 40, scratch, 2, 0, 1);
      assertThat(scratch[0]).isEqualTo(Float.NEGATIVE_INFINITY);
      assertThat(scratch[1]).isZero();
    }
  }

  @ParameterizedTest
  @FieldSource("TILES")
  void takesHeadsOfWholeStepsOnly(FloatTile tile) {
    FewQueries loops = new FewQueries(tile, Arena.ofAuto());
    AttentionTask task = new AttentionTask();
    task.headDim = 64;
    task.valueDim = 96;
    assertThat(loops.takes(task)).isTrue();
    task.valueDim = 80;
    assertThat(loops.takes(task)).isFalse();
    task.valueDim = 64;
    task.headDim = 0;
    assertThat(loops.takes(task)).isFalse();
    task.headDim = 64;
    task.storedK = new Matrix(DType.Q8_0, MemorySegment.NULL, 0, 64);
    assertThat(loops.takes(task)).isFalse();
  }

  private List<FewQueries> loops() {
    return Stream.of(
            features.avx2() ? FloatTile.AVX2 : null, features.avx512() ? FloatTile.AVX512 : null)
        .filter(tile -> tile != null)
        .map(tile -> new FewQueries(tile, Arena.ofAuto()))
        .toList();
  }

  private void check(FewQueries loops, AttentionTask task, int queries) {
    float[] expected = attend(compiled, task, queries);
    float[] actual = attend(compiled.over(loops), task, queries);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("index %d", i).isCloseTo(expected[i], within(3e-6f));
    }
  }

  private static float[] attend(Kernels kernels, AttentionTask task, int queries) {
    Arrays.fill(task.out, 55);
    float[] scratch = new float[kernels.attendScratch(task.headDim, task.valueDim)];
    Arrays.fill(scratch, Float.NaN);
    kernels.attend(task, 0, queries, scratch);
    return task.out.clone();
  }

  private AttentionTask task(int queries, int keys, int headDim, int valueDim, int gap) {
    return AttentionTasks.of(this::floats, queries, keys, headDim, valueDim, gap);
  }

  private static Matrix stored(DType type, float[] x, int at, int rows, int columns) {
    MemorySegment data = Arena.ofAuto().allocate(type.bytes((long) rows * columns), 64);
    Matrix matrix = new Matrix(type, data, rows, columns);
    for (int row = 0; row < rows; row++) {
      StoredRows.encode(x, at + row * columns, matrix, row);
    }
    return matrix;
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
