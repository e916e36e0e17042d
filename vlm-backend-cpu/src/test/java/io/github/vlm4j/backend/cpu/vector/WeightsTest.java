package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class WeightsTest {

  private static final VectorKernels KERNELS = new VectorKernels();

  @Test
  void everyHalfPrecisionNumberIsReadExactly() {
    float[] y = new float[65536];
    KERNELS.decodeRow(allBitPatterns(DType.F16), 0, y, 0);

    for (int i = 0; i < 65536; i++) {
      float expected = Float.float16ToFloat((short) i);
      if (Float.isNaN(expected)) {
        assertThat(y[i]).as("%x", i).isNaN();
      } else {
        // Compared as bits: zero has a sign.
        assertThat(Float.floatToIntBits(y[i]))
            .as("%x", i)
            .isEqualTo(Float.floatToIntBits(expected));
      }
    }
  }

  @Test
  void everyBfloat16NumberIsReadExactly() {
    float[] y = new float[65536];
    KERNELS.decodeRow(allBitPatterns(DType.BF16), 0, y, 0);

    for (int i = 0; i < 65536; i++) {
      if (Float.isNaN(Float.intBitsToFloat(i << 16))) {
        assertThat(y[i]).as("%x", i).isNaN();
      } else {
        assertThat(Float.floatToRawIntBits(y[i])).as("%x", i).isEqualTo(i << 16);
      }
    }
  }

  @Test
  void infinityInHalfPrecisionWeightsSurvivesAProduct() {
    MemorySegment data = Arena.ofAuto().allocate(2 * 64, 2);
    for (int i = 0; i < 64; i++) {
      data.set(ValueLayout.JAVA_SHORT, 2 * i, Float.floatToFloat16(i == 40 ? -1f / 0 : 1));
    }
    float[] x = new float[16];
    java.util.Arrays.fill(x, 1);
    float[] y = new float[4];

    float[] scratch = new float[KERNELS.matVecScratch(16)];
    KERNELS.matVec(new Matrix(DType.F16, data, 4, 16), 0, 4, x, 0, null, y, 0, scratch);

    assertThat(y).containsExactly(16, 16, Float.NEGATIVE_INFINITY, 16);
  }

  @Test
  void scaledRowIsAdded() {
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      Matrix table = new Numbers(1).matrix(dtype, 3, 37);
      float[] y = new Numbers(2).floats(40);
      float[] before = y.clone();

      KERNELS.addScaledRow(table, 2, -0.75f, y, 2);

      for (int i = 0; i < 40; i++) {
        boolean inside = i >= 2 && i < 39;
        double expected = before[i] + (inside ? -0.75 * Numbers.at(table, 2, i - 2) : 0);
        assertThat((double) y[i]).isCloseTo(expected, org.assertj.core.api.Assertions.within(1e-6));
      }
    }
  }

  private static Matrix allBitPatterns(DType dtype) {
    MemorySegment data = Arena.ofAuto().allocate(2 * 65536, 2);
    for (int i = 0; i < 65536; i++) {
      data.set(ValueLayout.JAVA_SHORT, 2 * i, (short) i);
    }
    return new Matrix(dtype, data, 1, 65536);
  }
}
