package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Operations by element: one thread for each number of the result. */
public final class ElementKernels {

  /** What {@link #pairwise} does. */
  public static final int ADD = 0;

  /** What {@link #pairwise} does. */
  public static final int MULTIPLY = 1;

  /** What {@link #pairwise} does, with an activation of the first operand. */
  public static final int GATE = 2;

  private ElementKernels() {}

  /**
   * Combines two operands. Parameters: elements, a, b, elements of b, y, what, activation (the
   * ordinal of {@link io.github.vlm4j.core.graph.Activation}).
   */
  public static void pairwise(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      float a = floats.get(p.get(1) + i);
      float b = floats.get(p.get(2) + i % p.get(3));
      int what = p.get(5);
      float y = a + b;
      if (what == MULTIPLY) {
        y = a * b;
      }
      if (what == GATE) {
        y = activated(p.get(6), a) * b;
      }
      floats.set(p.get(4) + i, y);
    }
  }

  /** Applies an activation. Parameters: elements, x, y, the activation's ordinal. */
  public static void activate(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      floats.set(p.get(2) + i, activated(p.get(3), floats.get(p.get(1) + i)));
    }
  }

  /**
   * Rotates pairs of dimensions. One thread for each pair, and one for each dimension that is not
   * rotated. Parameters: threads, x, cos, sin, y, heads, head size, pairs, 1 if the two of a pair
   * lie side by side; in {@link Parts}.
   */
  public static void rope(KernelContext context, IntArray p, FloatArray floats) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int headDim = p.get(part + 6);
      int pairs = p.get(part + 7);
      int perHead = headDim - pairs;
      int head = i / perHead;
      int at = i % perHead;
      int x = p.get(part + 1) + head * headDim;
      int y = p.get(part + 4) + head * headDim;
      if (at < pairs) {
        int table = head / p.get(part + 5) * pairs + at;
        float cos = floats.get(p.get(part + 2) + table);
        float sin = floats.get(p.get(part + 3) + table);
        int first = at + at * p.get(part + 8);
        int second = first + pairs - (pairs - 1) * p.get(part + 8);
        float a = floats.get(x + first);
        float b = floats.get(x + second);
        floats.set(y + first, a * cos - b * sin);
        floats.set(y + second, b * cos + a * sin);
      } else {
        floats.set(y + pairs + at, floats.get(x + pairs + at));
      }
    }
  }

  static float activated(int activation, float x) {
    float y = TornadoMath.max(x, 0f);
    if (activation == 0) {
      y = x * 0.5f * (1f + errorFunction(x * 0.70710678f));
    }
    if (activation == 1) {
      y = x * 0.5f * (1f + TornadoMath.tanh(0.7978845608f * (x + 0.044715f * x * x * x)));
    }
    if (activation == 2) {
      y = x / (1f + TornadoMath.exp(-1.702f * x));
    }
    if (activation == 3) {
      y = x / (1f + TornadoMath.exp(-x));
    }
    return y;
  }

  /** Abramowitz and Stegun, 7.1.26: off by at most 1.5e-7, and by rounding. */
  private static float errorFunction(float x) {
    float z = TornadoMath.abs(x);
    float t = 1f / (1f + 0.3275911f * z);
    float polynomial =
        ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t
                + 0.254829592f)
            * t;
    float y = 1f - polynomial * TornadoMath.exp(-z * z);
    if (x < 0f) {
      y = -y;
    }
    return y;
  }
}
