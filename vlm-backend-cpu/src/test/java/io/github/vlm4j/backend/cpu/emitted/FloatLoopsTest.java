package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RunLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.backend.cpu.vector.VectorKernels;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products of f32, held to the last bit of the kernels that lay their weights out. */
class FloatLoopsTest {

  private static final float GUARD = -12345;

  private final SplittableRandom random = new SplittableRandom(17);
  private final VectorKernels kernels = new VectorKernels();
  private final FloatLoops loops;

  /** A multiple of the rows that either computes at once. */
  private final int rowTile;

  FloatLoopsTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    FloatTile tile = FloatTile.of(kernels.weightTile(), CpuFeatures.ask()).orElse(null);
    assumeThat(tile).as("a tile as wide as the kernels' panels").isNotNull();
    loops = new FloatLoops(tile, kernels, Arena.ofAuto());
    rowTile = loops.runTile() * kernels.runTile();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "2, 3, 8",
    "3, 4, 9",
    "4, 6, 15",
    "5, 7, 16",
    "6, 16, 17",
    "13, 31, 24",
    "48, 512, 32",
    "49, 513, 25",
    "100, 1030, 40",
    "193, 769, 20",
    "200, 9, 131",
    "11, 515, 64",
    "55, 258, 47",
    "12, 77, 49",
    "97, 130, 193"
  })
  void productsAreThoseOfTheVectorKernels(int rows, int k, int outputs) {
    Runs inputs = Runs.dense(rows, k, rowTile);

    requireTheSame(floats(5 + rows * k), inputs, floats(outputs * k), floats(outputs));
    requireTheSame(floats(5 + rows * k), inputs, floats(outputs * k), null);
  }

  @ParameterizedTest
  @CsvSource({"7, 3, 5, 9", "20, 2, 600, 16", "31, 4, 17, 40", "53, 3, 131, 79"})
  void runsOfARowMayLieAnywhere(int rows, int runs, int length, int outputs) {
    int apart = length + 13;
    int[] starts = new int[Math.ceilDiv(rows, rowTile) * rowTile];
    Arrays.setAll(starts, row -> row < rows ? random.nextInt(2000) : 0);
    Runs inputs = new Runs(starts, rows, runs, length, apart);

    requireTheSame(
        floats(5 + 2000 + runs * apart), inputs, floats(outputs * runs * length), floats(outputs));
  }

  @Test
  void fewInputsAreTakenOnlyWhereTheWeightsAreLaidOutByEmittedCode() {
    assertThat(loops.leastInputs(DType.F32)).isLessThan(kernels.leastInputs(DType.F32));
    assertThat(loops.leastInputs(DType.Q8_0)).isEqualTo(kernels.leastInputs(DType.Q8_0));
  }

  @Test
  void infinitiesAndNotNumbersAreTheSameToo() {
    float[] x = floats(5 + 12 * 40);
    x[5] = Float.POSITIVE_INFINITY;
    x[100] = Float.NaN;
    x[200] = Float.NEGATIVE_INFINITY;
    x[300] = Float.MIN_VALUE;
    x[400] = Float.MAX_VALUE;

    requireTheSame(x, Runs.dense(12, 40, rowTile), floats(20 * 40), floats(20));
  }

  @Test
  void readsNothingOutsideTheArrays() {
    float[] packed = new float[loops.packedWeightFloats(16, 8)];
    float[] y = new float[6 * 16];
    float[] scratch = new float[loops.runScratch()];
    Runs before = new Runs(new int[] {0, -1, 0, 0, 0, 0}, 6, 1, 8, 0);
    Runs behind = new Runs(new int[] {0, 57, 0, 0, 0, 0}, 6, 1, 8, 0);

    for (Runs runs : new Runs[] {before, behind}) {
      assertThatThrownBy(() ->
              loops.multiplyRuns(new float[64], 0, runs, 0, 6, packed, 0, 0, 16, y, 0, 16, scratch))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  private void requireTheSame(float[] x, Runs inputs, float[] w, float @Nullable [] bias) {
    int outputs = w.length / inputs.size();
    Matrix weight = new Matrix(DType.F32, MemorySegment.ofArray(w), outputs, inputs.size());

    assertThat(multiply(loops, x, inputs, weight, bias))
        .isEqualTo(multiply(kernels, x, inputs, weight, bias));
  }

  /** Computes all but the first rows and leaves room around the results. */
  private float[] multiply(RunLoops by, float[] x, Runs inputs, Matrix w, float @Nullable [] bias) {
    int outputs = w.rows();
    int apart = outputs + 3;
    float[] y = new float[2 + inputs.rows() * apart];
    Arrays.fill(y, GUARD);
    float[] packed = new float[1 + by.packedWeightFloats(outputs, w.columns())];
    float[] scratch = new float[by.runScratch()];
    Arrays.fill(packed, Float.NaN);
    by.packWeights(w, bias, 0, outputs, packed, 1, scratch);
    int first = inputs.rows() > rowTile ? rowTile : 0;
    by.multiplyRuns(
        x, 5, inputs, first, inputs.rows(), packed, 1, 0, outputs, y, 2, apart, scratch);
    for (int i = 0; i < y.length; i++) {
      int row = Math.floorDiv(i - 2, apart);
      boolean result = i >= 2 && row >= first && (i - 2) % apart < outputs;
      assertThat(y[i] != GUARD).as("index %d", i).isEqualTo(result);
    }
    return y;
  }

  private float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }
}
