package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Linear layers of few rows, as while decoding: a work-group of {@value #LANES} threads for each
 * number of the result, whose threads read neighbouring weights at the same time. Each work-group
 * can norm its row by itself, and add a value to the result. Parameters: x, y, bias or -1, rows of
 * the weight, columns, then four for where the weight lies, what is added or -1, the weight of the
 * norm or -1, and where its eps lies; in {@link Parts}.
 */
public final class RowKernels {

  /** The threads of a work-group. */
  public static final int LANES = 64;

  private RowKernels() {}

  /** Multiplies with f32 weights. */
  public static void rowFloats(KernelContext context, IntArray p, FloatArray floats) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int norm = p.get(part + 10);
    squares[lane] = ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = root(floats, square, in, norm, p.get(part + 11));
    sums[lane] = ownProducts(floats, x, in, p.get(part + 5) + column * in, norm, root, lane);
    context.localBarrier();
    float sum = 0f;
    for (int i = 0; i < LANES; i++) {
      sum += sums[i];
    }
    if (lane == 0) {
      store(p, part, floats, group, column, sum);
    }
  }

  /** Multiplies with f16 or bf16 weights. */
  public static void rowHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int norm = p.get(part + 10);
    squares[lane] = ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = root(floats, square, in, norm, p.get(part + 11));
    int w = p.get(part + 5) + column * in;
    int powers = p.get(part + 6);
    int mantissas = p.get(part + 7);
    sums[lane] = ownProducts(floats, shorts, x, in, w, powers, mantissas, norm, root, lane);
    context.localBarrier();
    float sum = 0f;
    for (int i = 0; i < LANES; i++) {
      sum += sums[i];
    }
    if (lane == 0) {
      store(p, part, floats, group, column, sum);
    }
  }

  /** Multiplies with weights of bytes in blocks. */
  public static void rowBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int norm = p.get(part + 10);
    squares[lane] = ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = root(floats, square, in, norm, p.get(part + 11));
    int size = p.get(part + 8);
    int row = column * (in / size);
    int minima = p.get(part + 7);
    if (minima >= 0) {
      minima = minima + row;
    }
    int scales = p.get(part + 6) + row;
    int w = p.get(part + 5) + column * in;
    sums[lane] = ownProducts(floats, bytes, x, in, w, scales, minima, size, norm, root, lane);
    context.localBarrier();
    float sum = 0f;
    for (int i = 0; i < LANES; i++) {
      sum += sums[i];
    }
    if (lane == 0) {
      store(p, part, floats, group, column, sum);
    }
  }

  /** Returns a thread's part of the sum of squares of a row, if there is a norm. */
  static float ownSquares(FloatArray floats, int x, int in, int norm, int lane) {
    int end = in;
    if (norm < 0) {
      end = 0;
    }
    float own = 0f;
    for (int k = lane; k < end; k += LANES) {
      float value = floats.get(x + k);
      own += value * value;
    }
    return own;
  }

  /** Returns what a row is divided by. */
  static float root(FloatArray floats, float squares, int in, int norm, int eps) {
    float root = 1f;
    if (norm >= 0) {
      root = TornadoMath.sqrt(squares / in + floats.get(eps));
    }
    return root;
  }

  /** Returns a thread's part of the products with a row of f32 weights. */
  static float ownProducts(
      FloatArray floats, int x, int in, int w, int norm, float root, int lane) {
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      float input = floats.get(x + k);
      if (norm >= 0) {
        input = input / root * floats.get(norm + k);
      }
      own += input * floats.get(w + k);
    }
    return own;
  }

  /** Returns a thread's part of the products with a row of f16 or bf16 weights. */
  static float ownProducts(
      FloatArray floats,
      ShortArray shorts,
      int x,
      int in,
      int w,
      int powers,
      int mantissas,
      int norm,
      float root,
      int lane) {
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      float input = floats.get(x + k);
      if (norm >= 0) {
        input = input / root * floats.get(norm + k);
      }
      own += input * WeightReading.half(shorts, floats, w + k, powers, mantissas);
    }
    return own;
  }

  /** Returns a thread's part of the products with a row of weights of bytes in blocks. */
  static float ownProducts(
      FloatArray floats,
      ByteArray bytes,
      int x,
      int in,
      int w,
      int scales,
      int minima,
      int size,
      int norm,
      float root,
      int lane) {
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      float input = floats.get(x + k);
      if (norm >= 0) {
        input = input / root * floats.get(norm + k);
      }
      float weight = bytes.get(w + k) * floats.get(scales + k / size);
      if (minima >= 0) {
        weight = weight - floats.get(minima + k / size);
      }
      own += input * weight;
    }
    return own;
  }

  private static void store(
      IntArray p, int part, FloatArray floats, int at, int column, float sum) {
    float value = sum;
    if (p.get(part + 2) >= 0) {
      value = value + floats.get(p.get(part + 2) + column);
    }
    if (p.get(part + 9) >= 0) {
      value = value + floats.get(p.get(part + 9) + at);
    }
    floats.set(p.get(part + 1) + at, value);
  }
}
