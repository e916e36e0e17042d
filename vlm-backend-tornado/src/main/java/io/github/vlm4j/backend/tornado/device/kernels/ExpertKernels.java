package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The choice of experts and their mixture. Where the weights of experts lie is a table in the heap
 * of integers: for gate, up and down of each expert the place of the first number, of the scales
 * and of the minima.
 *
 * <p>A mixture is two kernels. The first has a thread for each row, expert and inner number and
 * writes {@code activation(gate) · up}; the second a thread for each number of the result. Both
 * pass over experts whose gate is 0. Parameters of the first: threads, x, gates, the table, its
 * result, experts, inner, hidden, the activation's ordinal, then powers and mantissas or the size
 * of a block. Of the second: threads, the first's result, gates, the table, y, experts, inner,
 * hidden, unused, and the same.
 */
public final class ExpertKernels {

  private static final int ENTRIES = 9;

  private ExpertKernels() {}

  /**
   * Keeps the greatest of each row's softmax, one thread for each row. Parameters: threads, logits,
   * y, experts, how many are kept, 1 to divide by their sum.
   */
  public static void route(KernelContext context, IntArray p, FloatArray floats) {
    int row = context.globalIdx;
    if (row < p.get(0)) {
      int experts = p.get(3);
      int chosen = p.get(4);
      int x = p.get(1) + row * experts;
      int y = p.get(2) + row * experts;
      float greatest = floats.get(x);
      for (int e = 1; e < experts; e++) {
        greatest = TornadoMath.max(greatest, floats.get(x + e));
      }
      float total = 0f;
      for (int e = 0; e < experts; e++) {
        total += TornadoMath.exp(floats.get(x + e) - greatest);
      }
      float kept = 0f;
      for (int e = 0; e < experts; e++) {
        float own = floats.get(x + e);
        int before = 0;
        for (int other = 0; other < experts; other++) {
          float logit = floats.get(x + other);
          if (logit > own || (logit == own && other < e)) {
            before = before + 1;
          }
        }
        float share = 0f;
        if (before < chosen) {
          share = TornadoMath.exp(own - greatest) / total;
        }
        kept += share;
        floats.set(y + e, share);
      }
      if (p.get(5) == 1) {
        for (int e = 0; e < experts; e++) {
          floats.set(y + e, floats.get(y + e) / kept);
        }
      }
    }
  }

  /** The first part, with f32 weights. */
  public static void hiddenFloats(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int inner = p.get(6);
      int hidden = p.get(7);
      int j = i % inner;
      int pair = i / inner;
      if (floats.get(p.get(2) + pair) != 0f) {
        int entry = p.get(3) + pair % p.get(5) * ENTRIES;
        int x = p.get(1) + pair / p.get(5) * hidden;
        int gateAt = ints.get(entry) + j * hidden;
        int upAt = ints.get(entry + 3) + j * hidden;
        float gate = 0f;
        float up = 0f;
        for (int k = 0; k < hidden; k++) {
          float input = floats.get(x + k);
          gate += input * floats.get(gateAt + k);
          up += input * floats.get(upAt + k);
        }
        floats.set(p.get(4) + i, ElementKernels.activated(p.get(8), gate) * up);
      }
    }
  }

  /** The first part, with f16 or bf16 weights. */
  public static void hiddenHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int inner = p.get(6);
      int hidden = p.get(7);
      int j = i % inner;
      int pair = i / inner;
      if (floats.get(p.get(2) + pair) != 0f) {
        int entry = p.get(3) + pair % p.get(5) * ENTRIES;
        int x = p.get(1) + pair / p.get(5) * hidden;
        int gateAt = ints.get(entry) + j * hidden;
        int upAt = ints.get(entry + 3) + j * hidden;
        int powers = p.get(9);
        int mantissas = p.get(10);
        float gate = 0f;
        float up = 0f;
        for (int k = 0; k < hidden; k++) {
          float input = floats.get(x + k);
          gate += input * WeightReading.half(shorts, floats, gateAt + k, powers, mantissas);
          up += input * WeightReading.half(shorts, floats, upAt + k, powers, mantissas);
        }
        floats.set(p.get(4) + i, ElementKernels.activated(p.get(8), gate) * up);
      }
    }
  }

  /** The first part, with weights of bytes in blocks. */
  public static void hiddenBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int inner = p.get(6);
      int hidden = p.get(7);
      int j = i % inner;
      int pair = i / inner;
      if (floats.get(p.get(2) + pair) != 0f) {
        int entry = p.get(3) + pair % p.get(5) * ENTRIES;
        int x = p.get(1) + pair / p.get(5) * hidden;
        int size = p.get(9);
        int blocks = hidden / size;
        float gate = 0f;
        float up = 0f;
        for (int k = 0; k < hidden; k++) {
          float input = floats.get(x + k);
          int block = j * blocks + k / size;
          float g =
              bytes.get(ints.get(entry) + j * hidden + k) * floats.get(ints.get(entry + 1) + block);
          if (ints.get(entry + 2) >= 0) {
            g = g - floats.get(ints.get(entry + 2) + block);
          }
          float u =
              bytes.get(ints.get(entry + 3) + j * hidden + k)
                  * floats.get(ints.get(entry + 4) + block);
          if (ints.get(entry + 5) >= 0) {
            u = u - floats.get(ints.get(entry + 5) + block);
          }
          gate += input * g;
          up += input * u;
        }
        floats.set(p.get(4) + i, ElementKernels.activated(p.get(8), gate) * up);
      }
    }
  }

  /** The second part, with f32 weights. */
  public static void mixFloats(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int experts = p.get(5);
      int inner = p.get(6);
      int hidden = p.get(7);
      int o = i % hidden;
      int row = i / hidden;
      float sum = 0f;
      for (int e = 0; e < experts; e++) {
        float gate = floats.get(p.get(2) + row * experts + e);
        if (gate != 0f) {
          int down = ints.get(p.get(3) + e * ENTRIES + 6) + o * inner;
          int h = p.get(1) + (row * experts + e) * inner;
          float product = 0f;
          for (int j = 0; j < inner; j++) {
            product += floats.get(h + j) * floats.get(down + j);
          }
          sum += gate * product;
        }
      }
      floats.set(p.get(4) + i, sum);
    }
  }

  /** The second part, with f16 or bf16 weights. */
  public static void mixHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int experts = p.get(5);
      int inner = p.get(6);
      int hidden = p.get(7);
      int powers = p.get(9);
      int mantissas = p.get(10);
      int o = i % hidden;
      int row = i / hidden;
      float sum = 0f;
      for (int e = 0; e < experts; e++) {
        float gate = floats.get(p.get(2) + row * experts + e);
        if (gate != 0f) {
          int down = ints.get(p.get(3) + e * ENTRIES + 6) + o * inner;
          int h = p.get(1) + (row * experts + e) * inner;
          float product = 0f;
          for (int j = 0; j < inner; j++) {
            product +=
                floats.get(h + j) * WeightReading.half(shorts, floats, down + j, powers, mantissas);
          }
          sum += gate * product;
        }
      }
      floats.set(p.get(4) + i, sum);
    }
  }

  /** The second part, with weights of bytes in blocks. */
  public static void mixBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int experts = p.get(5);
      int inner = p.get(6);
      int hidden = p.get(7);
      int size = p.get(9);
      int blocks = inner / size;
      int o = i % hidden;
      int row = i / hidden;
      float sum = 0f;
      for (int e = 0; e < experts; e++) {
        float gate = floats.get(p.get(2) + row * experts + e);
        if (gate != 0f) {
          int entry = p.get(3) + e * ENTRIES + 6;
          int down = ints.get(entry) + o * inner;
          int minima = ints.get(entry + 2);
          int h = p.get(1) + (row * experts + e) * inner;
          float product = 0f;
          for (int j = 0; j < inner; j++) {
            int block = o * blocks + j / size;
            float value = bytes.get(down + j) * floats.get(ints.get(entry + 1) + block);
            if (minima >= 0) {
              value = value - floats.get(minima + block);
            }
            product += floats.get(h + j) * value;
          }
          sum += gate * product;
        }
      }
      floats.set(p.get(4) + i, sum);
    }
  }
}
