package io.github.vlm4j.backend.cpu.emitted;

import io.github.vlm4j.core.graph.Activation;

/**
 * The code of activations of one vector, with the formulas of the Vector API's form: registers 0 to
 * 7 are used.
 */
final class ActivationCode {

  /** Holds what an activation is of, and is kept. */
  static final Zmm X = new Zmm(0);

  /** Holds what an activation comes to. */
  static final Zmm RESULT = new Zmm(1);

  /** The powers of e, from the second highest; those that are left are ½, 1 and 1. */
  private static final ElementConstant[] EXP = {
    ElementConstant.EXP_6,
    ElementConstant.EXP_5,
    ElementConstant.EXP_4,
    ElementConstant.EXP_3,
    ElementConstant.HALF,
    ElementConstant.ONE,
    ElementConstant.ONE
  };

  private static final ElementConstant[] ERFC = {
    ElementConstant.ERFC_4, ElementConstant.ERFC_3, ElementConstant.ERFC_2, ElementConstant.ERFC_1
  };

  private static final Zmm INNER = new Zmm(2);
  private static final Zmm POWER = new Zmm(3);
  private static final Zmm SHIFTED = new Zmm(4);
  private static final Zmm REST = new Zmm(5);
  private static final Zmm FREE = new Zmm(6);
  private static final Zmm SHARE = new Zmm(7);

  private final FloatVectors floats;

  /** Creates what writes with some vectors. */
  ActivationCode(FloatVectors floats) {
    this.floats = floats;
  }

  /** Writes what sets {@link #RESULT} to the activation of {@link #X}. */
  void write(Activation activation) {
    switch (activation) {
      case RELU -> {
        floats.load(RESULT, ElementConstant.ZERO.vector());
        floats.op(FloatOp.MAXIMUM, RESULT, RESULT, X);
      }
      case SILU -> {
        floats.move(INNER, X);
        multiplyBySigmoid();
      }
      case QUICK_GELU -> {
        floats.op(FloatOp.MULTIPLY, INNER, X, ElementConstant.QUICK.vector());
        multiplyBySigmoid();
      }
      case GELU_TANH -> {
        floats.op(FloatOp.MULTIPLY, SHARE, X, X);
        floats.load(FREE, ElementConstant.ONE.vector());
        floats.op(FloatOp.ADD_PRODUCT, FREE, SHARE, ElementConstant.GELU_CUBE.vector());
        floats.op(FloatOp.MULTIPLY, INNER, X, ElementConstant.TWO_SQRT_2_OVER_PI.vector());
        floats.op(FloatOp.MULTIPLY, INNER, INNER, FREE);
        multiplyBySigmoid();
      }
      case GELU -> gelu();
    }
  }

  /** Sets the result to X times {@code σ(inner)}. */
  private void multiplyBySigmoid() {
    floats.load(RESULT, ElementConstant.ZERO.vector());
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, INNER);
    exp(RESULT);
    floats.op(FloatOp.ADD, POWER, POWER, ElementConstant.ONE.vector());
    floats.load(SHARE, ElementConstant.ONE.vector());
    floats.op(FloatOp.DIVIDE, SHARE, SHARE, POWER);
    // Where the exponential overflows, which leaves anything in the place of infinity.
    floats.load(FREE, ElementConstant.MINUS_GREATEST_EXPONENT.vector());
    floats.clearLess(SHARE, INNER, FREE);
    floats.op(FloatOp.MULTIPLY, RESULT, X, SHARE);
  }

  /** With {@code t = |x·erfc(|x|/√2)/2|} it is x - t for x ≥ 0, and -t for x &lt; 0. */
  private void gelu() {
    floats.op(FloatOp.MULTIPLY, INNER, X, ElementConstant.SQRT_HALF.vector());
    floats.op(FloatOp.AND, INNER, INNER, ElementConstant.SIZE.vector());
    floats.op(FloatOp.MULTIPLY, REST, INNER, INNER);
    floats.load(RESULT, ElementConstant.ZERO.vector());
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, REST);
    exp(RESULT);
    floats.load(FREE, ElementConstant.ONE.vector());
    floats.op(FloatOp.ADD_PRODUCT, FREE, INNER, ElementConstant.ERFC_P.vector());
    floats.load(SHARE, ElementConstant.ONE.vector());
    floats.op(FloatOp.DIVIDE, SHARE, SHARE, FREE);
    floats.load(REST, ElementConstant.ERFC_5.vector());
    for (ElementConstant next : ERFC) {
      floats.op(FloatOp.MULTIPLY_AND_ADD, REST, SHARE, next.vector());
    }
    floats.op(FloatOp.MULTIPLY, REST, REST, SHARE);
    floats.op(FloatOp.MULTIPLY, REST, REST, POWER);
    floats.op(FloatOp.MULTIPLY, SHARE, X, ElementConstant.HALF.vector());
    floats.op(FloatOp.MULTIPLY, REST, REST, SHARE);
    floats.op(FloatOp.AND, REST, REST, ElementConstant.SIZE.vector());
    floats.load(RESULT, ElementConstant.ZERO.vector());
    floats.op(FloatOp.MAXIMUM, RESULT, RESULT, X);
    floats.op(FloatOp.SUBTRACT, RESULT, RESULT, REST);
  }

  /** Sets POWER to e to the power of a vector, which is kept; anything where that overflows. */
  private void exp(Zmm x) {
    floats.load(SHIFTED, ElementConstant.ROUNDER.vector());
    floats.op(FloatOp.ADD_PRODUCT, SHIFTED, x, ElementConstant.LOG2_E.vector());
    floats.op(FloatOp.SUBTRACT, FREE, SHIFTED, ElementConstant.ROUNDER.vector());
    floats.move(REST, x);
    floats.op(FloatOp.ADD_PRODUCT, REST, FREE, ElementConstant.MINUS_LN2_HIGH.vector());
    floats.op(FloatOp.ADD_PRODUCT, REST, FREE, ElementConstant.MINUS_LN2_LOW.vector());
    floats.load(POWER, ElementConstant.EXP_7.vector());
    for (ElementConstant next : EXP) {
      floats.op(FloatOp.MULTIPLY_AND_ADD, POWER, REST, next.vector());
    }
    floats.shiftLeft(SHIFTED, SHIFTED, 23);
    floats.op(FloatOp.ADD_INTEGERS, POWER, POWER, SHIFTED);
    floats.move(REST, x);
    floats.load(FREE, ElementConstant.LEAST_EXPONENT.vector());
    floats.clearLess(POWER, REST, FREE);
  }
}
