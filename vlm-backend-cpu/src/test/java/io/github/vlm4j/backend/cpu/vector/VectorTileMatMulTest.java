package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.backend.cpu.kernel.LoopsRun;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Beside inputs that are multiplied where they lie, which {@link VectorRunMatMulTest} checks. */
class VectorTileMatMulTest {

  private static final VectorKernels KERNELS = new VectorKernels();
  private static final PreparedLoops TILES = KERNELS.prepared();

  /** What memory holds beforehand must not show. */
  private static final LoopsRun RUN = new LoopsRun(TILES, Float.NaN);

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "5, 7, 3",
    "6, 16, 16",
    "13, 31, 17",
    "48, 512, 96",
    "50, 513, 97",
    "31, 1027, 131",
    "64, 96, 12",
    "65, 288, 13",
    "130, 200, 61",
    "177, 97, 193",
    "400, 40, 230",
    "1100, 33, 14"
  })
  void sumsAreThoseOfInputsWhereTheyLieToTheLastBit(int n, int k, int outputs) {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Numbers numbers = new Numbers(n * 31L + k);
      Matrix w = numbers.matrix(dtype, outputs, k);
      float[] x = numbers.floats(3 + n * k);
      float[] bias = numbers.floats(outputs);

      assertThat(RUN.multiply(x, 3, n, w, bias)).isEqualTo(whereTheyLie(x, n, w, bias));
      assertThat(RUN.multiply(x, 3, n, w, null)).isEqualTo(whereTheyLie(x, n, w, null));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "7, 256, 13, Q4_K",
    "50, 768, 12, Q4_K",
    "65, 1792, 9, Q6_K",
    "50, 2560, 14, Q6_K",
    "70, 96, 6, Q8_0",
    "50, 736, 31, Q8_0",
    "50, 320, 7, Q4_0"
  })
  void blocksAreDecodedWhereverSlicesEnd(int n, int k, int outputs, DType dtype) {
    Numbers numbers = new Numbers(n * 31L + k);
    Matrix w = numbers.blocks(dtype, outputs, k);
    float[] x = numbers.floats(3 + n * k);

    assertThat(RUN.multiply(x, 3, n, w, null)).isEqualTo(whereTheyLie(x, n, w, null));
  }

  @Test
  void theSplitOfTheWorkDoesNotChangeASingleBit() {
    Numbers numbers = new Numbers(5);
    Matrix w = numbers.matrix(DType.BF16, 230, 600);
    float[] x = numbers.floats(101 * 600);
    float[] bias = numbers.floats(230);

    assertThat(RUN.multiplyInBands(x, 101, w, bias)).isEqualTo(RUN.multiply(x, 0, 101, w, bias));
  }

  @Test
  void refusesWeightsItCannotRead() {
    Matrix w = new Matrix(DType.I8, MemorySegment.ofArray(new byte[64]), 1, 64);
    float[] packed = new float[TILES.packedWeightFloats(1, 64)];
    float[] scratch = new float[TILES.runScratch()];

    assertThatThrownBy(() -> TILES.packWeights(w, null, 0, 1, packed, 0, scratch))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("of type I8 are not supported by the vector-");
  }

  private static float[] whereTheyLie(float[] x, int n, Matrix w, float @Nullable [] bias) {
    float[] packed = new float[KERNELS.packedWeightFloats(w.rows(), w.columns())];
    float[] scratch = new float[KERNELS.runScratch()];
    float[] y = new float[n * w.rows()];
    KERNELS.packWeights(w, bias, 0, w.rows(), packed, 0, scratch);
    Runs inputs = Runs.dense(n, w.columns(), KERNELS.runTile());
    KERNELS.multiplyRuns(x, 3, inputs, 0, n, packed, 0, 0, w.rows(), y, 0, w.rows(), scratch);
    return y;
  }
}
