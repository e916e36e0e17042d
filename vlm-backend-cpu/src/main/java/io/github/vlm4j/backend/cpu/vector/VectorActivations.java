package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.core.graph.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Element-wise non-linearities, alone and as a gate. Each has a loop in a method of its own: C2
 * stops inlining, and vectors become objects, when all share one.
 */
final class VectorActivations {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final float SQRT_HALF = 0.70710678118654752f;
  private static final float TWO_SQRT_2_OVER_PI = 1.59576912160573071f;

  private VectorActivations() {}

  static void activate(Activation activation, float[] x, int xAt, float[] y, int yAt, int n) {
    int whole = n - n % L;
    switch (activation) {
      case GELU -> gelu(x, xAt, y, yAt, whole);
      case GELU_TANH -> geluTanh(x, xAt, y, yAt, whole);
      case QUICK_GELU -> quickGelu(x, xAt, y, yAt, whole);
      case SILU -> silu(x, xAt, y, yAt, whole);
      case RELU -> relu(x, xAt, y, yAt, whole);
    }
    if (whole < n) {
      VectorMask<Float> mask = F.indexInRange(whole, n);
      any(activation, FloatVector.fromArray(F, x, xAt + whole, mask))
          .intoArray(y, yAt + whole, mask);
    }
  }

  static void gate(
      Activation activation,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float[] y,
      int yAt,
      int n) {
    int whole = n - n % L;
    switch (activation) {
      case SILU -> siluGate(gate, gateAt, up, upAt, y, yAt, whole);
      case GELU_TANH -> geluTanhGate(gate, gateAt, up, upAt, y, yAt, whole);
      default -> anyGate(activation, gate, gateAt, up, upAt, y, yAt, whole);
    }
    if (whole < n) {
      VectorMask<Float> mask = F.indexInRange(whole, n);
      any(activation, FloatVector.fromArray(F, gate, gateAt + whole, mask))
          .mul(FloatVector.fromArray(F, up, upAt + whole, mask))
          .intoArray(y, yAt + whole, mask);
    }
  }

  private static void gelu(float[] x, int xAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      gelu(FloatVector.fromArray(F, x, xAt + i)).intoArray(y, yAt + i);
    }
  }

  private static void geluTanh(float[] x, int xAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      geluTanh(FloatVector.fromArray(F, x, xAt + i)).intoArray(y, yAt + i);
    }
  }

  private static void quickGelu(float[] x, int xAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      quickGelu(FloatVector.fromArray(F, x, xAt + i)).intoArray(y, yAt + i);
    }
  }

  private static void silu(float[] x, int xAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      silu(FloatVector.fromArray(F, x, xAt + i)).intoArray(y, yAt + i);
    }
  }

  private static void relu(float[] x, int xAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      relu(FloatVector.fromArray(F, x, xAt + i)).intoArray(y, yAt + i);
    }
  }

  private static void siluGate(
      float[] gate, int gateAt, float[] up, int upAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      silu(FloatVector.fromArray(F, gate, gateAt + i))
          .mul(FloatVector.fromArray(F, up, upAt + i))
          .intoArray(y, yAt + i);
    }
  }

  private static void geluTanhGate(
      float[] gate, int gateAt, float[] up, int upAt, float[] y, int yAt, int whole) {
    for (int i = 0; i < whole; i += L) {
      geluTanh(FloatVector.fromArray(F, gate, gateAt + i))
          .mul(FloatVector.fromArray(F, up, upAt + i))
          .intoArray(y, yAt + i);
    }
  }

  private static void anyGate(
      Activation activation,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float[] y,
      int yAt,
      int whole) {
    for (int i = 0; i < whole; i += L) {
      any(activation, FloatVector.fromArray(F, gate, gateAt + i))
          .mul(FloatVector.fromArray(F, up, upAt + i))
          .intoArray(y, yAt + i);
    }
  }

  private static FloatVector any(Activation activation, FloatVector x) {
    return switch (activation) {
      case GELU -> gelu(x);
      case GELU_TANH -> geluTanh(x);
      case QUICK_GELU -> quickGelu(x);
      case SILU -> silu(x);
      case RELU -> relu(x);
    };
  }

  /** For x ≥ 0 {@code x·Φ(x) = x - x·erfc(x/√2)/2}, for x &lt; 0 {@code x·erfc(|x|/√2)/2}. */
  private static FloatVector gelu(FloatVector x) {
    FloatVector tail = x.mul(0.5f).mul(VectorMath.erfcOfAbs(x.mul(SQRT_HALF)));
    return tail.blend(x.sub(tail), x.compare(VectorOperators.GE, 0f));
  }

  /** {@code (1 + tanh u)/2 = σ(2u)}. */
  private static FloatVector geluTanh(FloatVector x) {
    FloatVector cubic =
        x.mul(x).fma(FloatVector.broadcast(F, 0.044715f), FloatVector.broadcast(F, 1f));
    FloatVector u2 = x.mul(TWO_SQRT_2_OVER_PI).mul(cubic);
    return x.mul(VectorMath.sigmoid(u2));
  }

  private static FloatVector quickGelu(FloatVector x) {
    return x.mul(VectorMath.sigmoid(x.mul(1.702f)));
  }

  private static FloatVector silu(FloatVector x) {
    return x.mul(VectorMath.sigmoid(x));
  }

  /** Costs a third of {@link FloatVector#max}; NaN stays what it is either way. */
  private static FloatVector relu(FloatVector x) {
    return x.blend(0f, x.compare(VectorOperators.LT, 0f));
  }
}
