package io.github.vlm4j.backend.cpu.kernel;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.RopePairing;

/** The innermost loops of operations that need an element or a row of each operand at a time. */
public interface ElementLoops {

  /** Converts rows of a matrix, {@code row} and those behind it, to f32. */
  void decodeRows(Matrix table, int row, int rows, float[] y, int yAt);

  /** Converts one row of a matrix to f32. */
  default void decodeRow(Matrix table, int row, float[] y, int yAt) {
    decodeRows(table, row, 1, y, yAt);
  }

  /** Adds {@code scale} times row {@code row} of a matrix to {@code y[yAt..]}. */
  void addScaledRow(Matrix table, int row, float scale, float[] y, int yAt);

  /**
   * Normalises rows of n values by their root mean square and multiplies by the weight; y may be x.
   */
  void rmsNorm(float[] x, int xAt, float[] weight, float eps, float[] y, int yAt, int rows, int n);

  /** Normalises rows of n values by mean and variance, then scales and shifts; y may be x. */
  void layerNorm(
      float[] x,
      int xAt,
      float[] weight,
      float[] bias,
      float eps,
      float[] y,
      int yAt,
      int rows,
      int n);

  /** {@code y = a + b} for n values; y may be a or b. */
  void add(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);

  /** {@code y = a · b} for n values; y may be a or b. */
  void multiply(float[] a, int aAt, float[] b, int bAt, float[] y, int yAt, int n);

  /** {@code y = activation(x)} for n values; y may be x. */
  void activate(Activation activation, float[] x, int xAt, float[] y, int yAt, int n);

  /** {@code y = activation(gate) · up} for n values; y may be either. */
  void gate(
      Activation activation,
      float[] gate,
      int gateAt,
      float[] up,
      int upAt,
      float[] y,
      int yAt,
      int n);

  /**
   * Rotates the heads of one row; y may be x.
   *
   * @param x {@code [heads, headDim]}
   * @param cos {@code [r]}
   * @param sin {@code [r]}
   */
  void rope(
      RopePairing pairing,
      float[] x,
      int xAt,
      float[] cos,
      int cosAt,
      float[] sin,
      int sinAt,
      int r,
      float[] y,
      int yAt,
      int heads,
      int headDim);
}
