package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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
  private final FloatPanels panels;
  private final Kernels emitted;

  FloatPanelsTest() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().avx2()).as("AVX2").isTrue();
    assumeThat(FloatPanels.fit(compiled)).as("vectors of 256 bits").isTrue();
    panels = new FloatPanels(Arena.ofAuto());
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
    "300, 40, 30"
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
    float[] x = new float[10 * 16];
    float[] c = new float[6 * 16];

    assertThatThrownBy(() -> panels.add(w, 1, 10, 6, x, 0, 10, 16, c, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> panels.add(w, 0, 10, 6, x, 8, 10, 16, c, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> panels.add(w, 0, 10, 6, x, 0, 10, 16, c, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
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
