package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Linear layers of few rows, as while decoding: a work-group of {@value #LANES} threads for each
 * number of the result, whose threads read neighbouring weights at the same time. Parameters: x, y,
 * bias or -1, rows of the weight, columns, then where the weight lies; in {@link Parts}.
 */
public final class RowKernels {

  /** The threads of a work-group. */
  public static final int LANES = 64;

  private RowKernels() {}

  /** Multiplies with f32 weights. */
  public static void rowFloats(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int w = p.get(part + 5) + column * in;
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      own += floats.get(x + k) * floats.get(w + k);
    }
    sums[lane] = own;
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
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int w = p.get(part + 5) + column * in;
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      own +=
          floats.get(x + k)
              * WeightReading.half(shorts, floats, w + k, p.get(part + 6), p.get(part + 7));
    }
    sums[lane] = own;
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
    float[] sums = context.allocateFloatLocalArray(LANES);
    int part = Parts.of(p, Parts.GROUPS, context.groupIdx);
    int group = context.groupIdx - Parts.before(p, Parts.GROUPS, part);
    int lane = context.localIdx;
    int column = group % p.get(part + 3);
    int in = p.get(part + 4);
    int size = p.get(part + 8);
    int minima = p.get(part + 7);
    int x = p.get(part) + group / p.get(part + 3) * in;
    int w = p.get(part + 5) + column * in;
    float own = 0f;
    for (int k = lane; k < in; k += LANES) {
      int block = column * (in / size) + k / size;
      float weight = bytes.get(w + k) * floats.get(p.get(part + 6) + block);
      if (minima >= 0) {
        weight = weight - floats.get(minima + block);
      }
      own += floats.get(x + k) * weight;
    }
    sums[lane] = own;
    context.localBarrier();
    float sum = 0f;
    for (int i = 0; i < LANES; i++) {
      sum += sums[i];
    }
    if (lane == 0) {
      store(p, part, floats, group, column, sum);
    }
  }

  private static void store(
      IntArray p, int part, FloatArray floats, int at, int column, float sum) {
    float value = sum;
    if (p.get(part + 2) >= 0) {
      value = value + floats.get(p.get(part + 2) + column);
    }
    floats.set(p.get(part + 1) + at, value);
  }
}
