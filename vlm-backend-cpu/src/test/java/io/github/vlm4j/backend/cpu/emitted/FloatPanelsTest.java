package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.vector.VectorKernels;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels over emitted panels, held to the last bit of those over compiled ones. */
class FloatPanelsTest {

  private final SplittableRandom random = new SplittableRandom(19);
  private final VectorKernels compiled = new VectorKernels();
  private final int width = compiled.inputTile();
  private final FloatPanels panels;
  private final Kernels emitted;

  FloatPanelsTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    FloatTile tile = FloatTile.of(width, CpuFeatures.ask()).orElse(null);
    assumeThat(tile).as("a tile as wide as the kernels' panels").isNotNull();
    panels = new FloatPanels(tile, Arena.ofAuto());
    emitted = compiled.over(panels);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "7, 3, 6",
    "8, 5, 7",
    "9, 16, 50",
    "16, 512, 96",
    "17, 513, 97",
    "49, 1030, 200",
    "300, 40, 30",
    "64, 33, 5",
    "113, 514, 83"
  })
  void productsAreThoseOfTheVectorKernels(int inputs, int k, int outputs) {
    float[] x = floats(inputs * k);
    Matrix w = new Matrix(DType.F32, MemorySegment.ofArray(floats(outputs * k)), outputs, k);
    float[] bias = floats(outputs);

    assertThat(multiply(emitted, x, inputs, w, bias))
        .isEqualTo(multiply(compiled, x, inputs, w, bias));
  }

  @Test
  void readsNothingOutsideTheArrays() {
    float[] w = new float[6 * 10];
    float[] x = new float[10 * width];
    float[] c = new float[6 * width];

    assertThatThrownBy(() -> panels.add(w, 1, 10, 6, x, 0, 10, width, c, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> panels.add(w, 0, 10, 6, x, 8, 10, width, c, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> panels.add(w, 0, 10, 6, x, 0, 10, width, c, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @ParameterizedTest
  @CsvSource({"1, 6", "2, 12", "7, 66", "120, 128"})
  void theSoftmaxOfATileIsThatOfTheOracle(int keys, int depth) {
    float[] scores = floats(keys * width);
    float[] results = floats((depth + 2) * width);
    for (int i = 0; i < scores.length; i++) {
      scores[i] = i % 5 == 3 ? Float.NEGATIVE_INFINITY : 40 * scores[i];
    }
    int maxima = depth * width;
    for (int key = 0; key < keys; key++) {
      // Queries that see none of these keys: one has seen earlier ones, one has not.
      scores[key * width + 1] = Float.NEGATIVE_INFINITY;
      scores[key * width + 2] = Float.NEGATIVE_INFINITY;
    }
    for (int query : new int[] {2, 9}) {
      for (int d = 0; d < depth + 2; d++) {
        results[d * width + query] = d == depth ? Float.NEGATIVE_INFINITY : 0;
      }
    }
    float[] oldScores = scores.clone();
    float[] old = results.clone();

    panels.soften(keys, scores, 0, results, 0, depth);

    for (int query = 0; query < width; query++) {
      float greatest = old[maxima + query];
      for (int key = 0; key < keys; key++) {
        greatest = Math.max(greatest, oldScores[key * width + query]);
      }
      assertThat(results[maxima + query]).isEqualTo(greatest);
      double base = greatest == Float.NEGATIVE_INFINITY ? 0 : greatest;
      double fade = Math.exp(old[maxima + query] - base);
      double sum = fade * old[maxima + width + query];
      for (int key = 0; key < keys; key++) {
        double exponential = Math.exp(oldScores[key * width + query] - base);
        sum += exponential;
        // Of a distance of up to 80 half of the last bit is 4e-6.
        assertThat((double) scores[key * width + query])
            .isCloseTo(exponential, within(1e-5 * exponential));
      }
      assertThat((double) results[maxima + width + query]).isCloseTo(sum, within(1e-5));
      for (int d = 0; d < depth; d++) {
        double result = fade * old[d * width + query];
        assertThat((double) results[d * width + query]).isCloseTo(result, within(1e-5));
      }
    }
  }

  @Test
  void aScoreThatIsNotANumberStaysNone() {
    float[] scores = new float[3 * width];
    float[] results = new float[8 * width];
    scores[width + 4] = Float.NaN;

    panels.soften(3, scores, 0, results, 0, 6);

    assertThat(scores[width + 4]).isNaN();
    assertThat(results[7 * width + 4]).isNaN();
    assertThat(results[7 * width + 5]).isEqualTo(3);
  }

  private static float[] multiply(Kernels kernels, float[] x, int inputs, Matrix w, float[] bias) {
    float[] packed = new float[kernels.packedFloats(inputs, w.columns())];
    int tiles = Math.ceilDiv(inputs, kernels.inputTile());
    kernels.packInputs(x, 0, inputs, w.columns(), packed, 0, 0, tiles);
    float[] y = new float[inputs * w.rows()];
    float[] scratch = new float[kernels.matMulScratch(w.columns())];
    Arrays.fill(scratch, Float.NaN);
    kernels.matMul(packed, 0, inputs, w, 0, w.rows(), bias, y, 0, w.rows(), scratch);
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
