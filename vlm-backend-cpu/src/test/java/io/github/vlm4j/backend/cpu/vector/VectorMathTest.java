package io.github.vlm4j.backend.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.graph.Activation;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.apache.commons.math3.special.Erf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VectorMathTest {

  private static final VectorKernels KERNELS = new VectorKernels();

  @Test
  void expIsWithinTwoUlp() {
    double worst = 0;
    for (float x = -87.3f; x < 88.7f; x += 0.00217f) {
      worst = Math.max(worst, Numbers.ulps(lane(VectorMath::exp, x), Math.exp(x)));
    }
    for (float x = 1e-30f; x < 1; x *= 1.07f) {
      worst = Math.max(worst, Numbers.ulps(lane(VectorMath::exp, x), Math.exp(x)));
      worst = Math.max(worst, Numbers.ulps(lane(VectorMath::exp, -x), Math.exp(-x)));
    }
    assertThat(worst).isLessThanOrEqualTo(2);
  }

  @Test
  void powersOfTwoAreWithinTwoUlp() {
    double worst = 0;
    for (float x = -124.9f; x < 127; x += 0.00313f) {
      worst = Math.max(worst, Numbers.ulps(lane(VectorMath::exp2OfAtMostMax, x), Math.pow(2, x)));
    }
    assertThat(worst).isLessThanOrEqualTo(2);
    assertThat(lane(VectorMath::exp2OfAtMostMax, 0)).isEqualTo(1);
    assertThat(lane(VectorMath::exp2OfAtMostMax, -3)).isEqualTo(0.125f);
    assertThat(lane(VectorMath::exp2OfAtMostMax, -126)).isZero();
    assertThat(lane(VectorMath::exp2OfAtMostMax, -1e30f)).isZero();
    assertThat(lane(VectorMath::exp2OfAtMostMax, Float.NEGATIVE_INFINITY)).isZero();
    assertThat(lane(VectorMath::exp2OfAtMostMax, Float.NaN)).isNaN();
  }

  @Test
  void expOfExtremesIsExact() {
    assertThat(lane(VectorMath::exp, 0)).isEqualTo(1);
    assertThat(lane(VectorMath::exp, -0f)).isEqualTo(1);
    assertThat(lane(VectorMath::exp, Float.NEGATIVE_INFINITY)).isZero();
    assertThat(lane(VectorMath::exp, -1e30f)).isZero();
    assertThat(lane(VectorMath::exp, -88)).isZero();
    assertThat(lane(VectorMath::exp, 89)).isInfinite();
    assertThat(lane(VectorMath::exp, Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(lane(VectorMath::exp, Float.NaN)).isNaN();
    assertThat(lane(VectorMath::expOfAtMostMax, Float.NaN)).isNaN();
    assertThat(lane(VectorMath::expOfAtMostMax, Float.NEGATIVE_INFINITY)).isZero();
  }

  @Test
  void tanhErfAndSigmoidKeepTheirStatedErrors() {
    for (float x = -12; x < 12; x += 0.0007f) {
      assertThat((double) lane(VectorMath::tanh, x)).isCloseTo(Math.tanh(x), within(3e-7));
      assertThat((double) lane(VectorMath::erf, x)).isCloseTo(Erf.erf(x), within(5e-7));
      double sigmoid = 1 / (1 + Math.exp(-x));
      assertThat((double) lane(VectorMath::sigmoid, x)).isCloseTo(sigmoid, within(5e-7 * sigmoid));
    }
    assertThat(lane(VectorMath::tanh, 1e10f)).isEqualTo(1);
    assertThat(lane(VectorMath::tanh, -1e10f)).isEqualTo(-1);
    assertThat(lane(VectorMath::erf, 1e10f)).isEqualTo(1);
    assertThat(lane(VectorMath::erf, -1e10f)).isEqualTo(-1);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsEqualTheirDefinitionAtEveryLength(Activation activation) {
    DoubleUnaryOperator exact = definition(activation);
    for (int n : new int[] {0, 1, 3, 7, 8, 9, 16, 31, 33, 1000}) {
      float[] x = new Numbers(n).floats(n + 4);
      for (int i = 0; i < x.length; i++) {
        x[i] *= 9;
      }
      float[] up = new Numbers(n + 1).floats(n + 4);
      float[] y = new float[n + 4];
      float[] gated = new float[n + 4];

      KERNELS.activate(activation, x, 1, y, 2, n);
      KERNELS.gate(activation, x, 1, up, 3, gated, 0, n);

      for (int i = 0; i < n; i++) {
        double expected = exact.applyAsDouble(x[1 + i]);
        assertThat((double) y[2 + i])
            .as("%s(%s)", activation, x[1 + i])
            .isCloseTo(expected, within(1e-6 * (1 + Math.abs(expected))));
        assertThat((double) gated[i])
            .isCloseTo(expected * up[3 + i], within(1e-6 * (1 + Math.abs(expected))));
      }
      assertThat(new float[] {y[0], y[1], y[n + 2], y[n + 3], gated[n]}).containsOnly(0);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsInPlaceAndOfLargeNumbersStayFinite(Activation activation) {
    float[] x = new float[Lanes.COUNT * 2];
    java.util.Arrays.fill(x, 1e6f);
    x[1] = -1e6f;

    KERNELS.activate(activation, x, 0, x, 0, x.length);

    assertThat(x[0]).isEqualTo(1e6f);
    assertThat(Math.abs(x[1])).isZero();
  }

  private static DoubleUnaryOperator definition(Activation activation) {
    return switch (activation) {
      case GELU -> x -> x / 2 * Erf.erfc(-x / Math.sqrt(2));
      case GELU_TANH ->
          x -> x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case QUICK_GELU -> x -> x / (1 + Math.exp(-1.702 * x));
      case SILU -> x -> x / (1 + Math.exp(-x));
      case RELU -> x -> Math.max(x, 0);
    };
  }

  private static float lane(UnaryOperator<FloatVector> function, float x) {
    return function.apply(FloatVector.broadcast(Lanes.F32, x)).lane(0);
  }
}
