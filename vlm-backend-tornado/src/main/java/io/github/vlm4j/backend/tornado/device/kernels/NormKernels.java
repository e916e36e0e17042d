package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Norms: a work-group of {@value #LANES} threads for each row. */
public final class NormKernels {

  /** The threads of a work-group. */
  public static final int LANES = 64;

  private NormKernels() {}

  /**
   * {@code x / √(mean(x²) + eps) · w}, of x or of what it is after another value has been added.
   * Parameters: x, w, y, columns, where eps lies, what is added or -1, where the sum goes, which is
   * x if nothing is added; in {@link Parts}.
   */
  public static void rmsNorm(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int size = p.get(part + 3);
    int x = p.get(part) + group * size;
    int y = p.get(part + 2) + group * size;
    int w = p.get(part + 1);
    int added = p.get(part + 5) + group * size;
    int sum = p.get(part + 6) + group * size;
    if (p.get(part + 5) >= 0) {
      for (int i = lane; i < size; i += LANES) {
        floats.set(sum + i, floats.get(x + i) + floats.get(added + i));
      }
    }
    float own = 0f;
    for (int i = lane; i < size; i += LANES) {
      float value = floats.get(sum + i);
      own += value * value;
    }
    sums[lane] = own;
    context.localBarrier();
    float squares = 0f;
    for (int i = 0; i < LANES; i++) {
      squares += sums[i];
    }
    float root = TornadoMath.sqrt(squares / size + floats.get(p.get(part + 4)));
    for (int i = lane; i < size; i += LANES) {
      floats.set(y + i, floats.get(sum + i) / root * floats.get(w + i));
    }
  }

  /**
   * {@code (x − mean) / √(variance + eps) · w + b}. Parameters: x, w, y, columns, where eps lies,
   * what is added or -1, where the sum goes, b.
   */
  public static void layerNorm(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    float[] squares = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int size = p.get(3);
    int x = p.get(0) + context.groupIdx * size;
    int y = p.get(2) + context.groupIdx * size;
    int w = p.get(1);
    int b = p.get(7);
    int added = p.get(5) + context.groupIdx * size;
    int sum = p.get(6) + context.groupIdx * size;
    if (p.get(5) >= 0) {
      for (int i = lane; i < size; i += LANES) {
        floats.set(sum + i, floats.get(x + i) + floats.get(added + i));
      }
    }
    float own = 0f;
    for (int i = lane; i < size; i += LANES) {
      own += floats.get(sum + i);
    }
    sums[lane] = own;
    context.localBarrier();
    float total = 0f;
    for (int i = 0; i < LANES; i++) {
      total += sums[i];
    }
    float mean = total / size;
    float ownSquares = 0f;
    for (int i = lane; i < size; i += LANES) {
      float centred = floats.get(sum + i) - mean;
      ownSquares += centred * centred;
    }
    squares[lane] = ownSquares;
    context.localBarrier();
    float all = 0f;
    for (int i = 0; i < LANES; i++) {
      all += squares[i];
    }
    float root = TornadoMath.sqrt(all / size + floats.get(p.get(4)));
    for (int i = lane; i < size; i += LANES) {
      floats.set(
          y + i, (floats.get(sum + i) - mean) / root * floats.get(w + i) + floats.get(b + i));
    }
  }

  /**
   * Norms rows as {@link #rmsNorm} does and rotates pairs of each as {@link ElementKernels#rope}.
   * Parameters: x, w, y, head size, where eps lies, cos, sin, heads, pairs, 1 if the two of a pair
   * lie side by side; in {@link Parts}.
   */
  public static void normAndRope(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int head = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int size = p.get(part + 3);
    int x = p.get(part) + head * size;
    int y = p.get(part + 2) + head * size;
    int w = p.get(part + 1);
    float own = 0f;
    for (int i = lane; i < size; i += LANES) {
      float value = floats.get(x + i);
      own += value * value;
    }
    sums[lane] = own;
    context.localBarrier();
    float squares = 0f;
    for (int i = 0; i < LANES; i++) {
      squares += sums[i];
    }
    float root = TornadoMath.sqrt(squares / size + floats.get(p.get(part + 4)));
    int pairs = p.get(part + 8);
    for (int at = lane; at < size - pairs; at += LANES) {
      if (at < pairs) {
        int table = head / p.get(part + 7) * pairs + at;
        float cos = floats.get(p.get(part + 5) + table);
        float sin = floats.get(p.get(part + 6) + table);
        int first = at + at * p.get(part + 9);
        int second = first + pairs - (pairs - 1) * p.get(part + 9);
        float a = floats.get(x + first) / root * floats.get(w + first);
        float b = floats.get(x + second) / root * floats.get(w + second);
        floats.set(y + first, a * cos - b * sin);
        floats.set(y + second, b * cos + a * sin);
      } else {
        int i = pairs + at;
        floats.set(y + i, floats.get(x + i) / root * floats.get(w + i));
      }
    }
  }
}
