package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Linear layers, one thread for each number of the result. Parameters: threads, x, y, bias or -1,
 * rows of the weight, columns, then where the weight lies; in {@link Parts}.
 */
public final class LinearKernels {

  private LinearKernels() {}

  /** Multiplies with f32 weights. */
  public static void linearFloats(KernelContext context, IntArray p, FloatArray floats) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int out = p.get(part + 4);
      int in = p.get(part + 5);
      int column = i % out;
      int x = p.get(part + 1) + i / out * in;
      float sum = products(floats, x, in, p.get(part + 6) + column * in);
      store(p, part, floats, i, column, sum);
    }
  }

  /** Multiplies with f16 or bf16 weights. */
  public static void linearHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int out = p.get(part + 4);
      int in = p.get(part + 5);
      int column = i % out;
      int x = p.get(part + 1) + i / out * in;
      int w = p.get(part + 6) + column * in;
      float sum = products(floats, shorts, x, in, w, p.get(part + 7), p.get(part + 8));
      store(p, part, floats, i, column, sum);
    }
  }

  /** Multiplies with weights of bytes in blocks. */
  public static void linearBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int out = p.get(part + 4);
      int in = p.get(part + 5);
      int size = p.get(part + 9);
      int column = i % out;
      int x = p.get(part + 1) + i / out * in;
      int w = p.get(part + 6) + column * in;
      int row = column * (in / size);
      int minima = p.get(part + 8);
      if (minima >= 0) {
        minima = minima + row;
      }
      float sum = products(floats, bytes, x, in, w, p.get(part + 7) + row, minima, size);
      store(p, part, floats, i, column, sum);
    }
  }

  /** Returns the products of a row with one of f32 weights, added up. */
  static float products(FloatArray floats, int x, int in, int w) {
    float sum = 0f;
    for (int k = 0; k < in; k++) {
      sum += floats.get(x + k) * floats.get(w + k);
    }
    return sum;
  }

  /** Returns the products of a row with one of f16 or bf16 weights, added up. */
  static float products(
      FloatArray floats, ShortArray shorts, int x, int in, int w, int powers, int mantissas) {
    float sum = 0f;
    for (int k = 0; k < in; k++) {
      sum += floats.get(x + k) * WeightReading.half(shorts, floats, w + k, powers, mantissas);
    }
    return sum;
  }

  /** Returns the products of a row with one of weights of bytes in blocks, added up. */
  static float products(
      FloatArray floats, ByteArray bytes, int x, int in, int w, int scales, int minima, int size) {
    float sum = 0f;
    for (int b = 0; b < in / size; b++) {
      float products = 0f;
      float inputs = 0f;
      for (int k = 0; k < size; k++) {
        float input = floats.get(x + b * size + k);
        products += input * bytes.get(w + b * size + k);
        inputs += input;
      }
      sum += products * floats.get(scales + b);
      if (minima >= 0) {
        sum -= inputs * floats.get(minima + b);
      }
    }
    return sum;
  }

  private static void store(
      IntArray p, int part, FloatArray floats, int at, int column, float sum) {
    float value = sum;
    if (p.get(part + 3) >= 0) {
      value = value + floats.get(p.get(part + 3) + column);
    }
    floats.set(p.get(part + 2) + at, value);
  }
}
