package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Caches that are stored as f16, bf16 or Q8_0. In parameters, {@code powers} is where the powers of
 * two of bf16's signs and exponents lie; {@code table} the same of the type, -1 for Q8_0, whose
 * scales lie apart, one for each {@value #BLOCK} bytes; and {@code mantissas} how many values the
 * type's mantissa has, never 0, as compilers divide by it before they ask what the type is.
 */
public final class CacheKernels {

  /** The numbers that share a scale. */
  public static final int BLOCK = 32;

  private static final int LANES = AttentionKernels.LANES;
  private static final float LOWEST = -3.4e38f;

  private CacheKernels() {}

  /**
   * Writes rows as f16 or bf16, a thread for each number. Parameters: threads, rows, state, heads,
   * numbers of a row, rows of the cache, position, powers, mantissas; in {@link Parts}.
   */
  public static void appendHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int size = p.get(part + 4);
      int head = i / size % p.get(part + 3);
      int row = i / size / p.get(part + 3);
      int to = (head * p.get(part + 5) + p.get(part + 6) + row) * size + i % size;
      int bits = pattern(floats, p.get(part + 7), p.get(part + 8), floats.get(p.get(part + 1) + i));
      shorts.set(p.get(part + 2) + to, (short) bits);
    }
  }

  /**
   * Writes rows as Q8_0, a thread for each block. Parameters: threads, rows, state, heads, numbers
   * of a row, rows of the cache, position, powers, scales, the table of f16, the numbers of a
   * block; in {@link Parts}.
   */
  public static void appendBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int size = p.get(part + 4) / BLOCK;
      int head = i / size % p.get(part + 3);
      int row = i / size / p.get(part + 3);
      int block = (head * p.get(part + 5) + p.get(part + 6) + row) * size + i % size;
      int x = p.get(part + 1) + i * BLOCK;
      float greatest = 0f;
      for (int k = 0; k < p.get(part + 10); k++) {
        greatest = TornadoMath.max(greatest, TornadoMath.abs(floats.get(x + k)));
      }
      float unit = greatest / 127f;
      float inverse = 0f;
      if (unit > 0f) {
        inverse = 1f / unit;
      }
      int bits = pattern(floats, p.get(part + 7), 1024, unit);
      float fraction = (float) (bits % 1024) / 1024f;
      if (bits / 1024 > 0) {
        fraction = fraction + 1f;
      }
      floats.set(p.get(part + 8) + block, floats.get(p.get(part + 9) + bits / 1024) * fraction);
      for (int k = 0; k < p.get(part + 10); k++) {
        float units = floats.get(x + k) * inverse;
        float whole = TornadoMath.floor(TornadoMath.abs(units) + 0.5f);
        if (units < 0f) {
          whole = -whole;
        }
        bytes.set(p.get(part + 2) + block * BLOCK + k, (byte) (int) whole);
      }
    }
  }

  /**
   * Reads numbers as f32, a thread for each. Parameters: threads, the beginning of the cache, its
   * scales, the first number, to, table, mantissas.
   */
  public static void readStored(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      float value =
          stored(floats, shorts, bytes, p.get(1), p.get(3) + i, p.get(2), p.get(5), p.get(6));
      floats.set(p.get(4) + i, value);
    }
  }

  /** Sets patterns to 0. Parameters: threads, where. */
  public static void clearShorts(KernelContext context, IntArray p, ShortArray shorts) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      shorts.set(p.get(1) + i, (short) 0);
    }
  }

  /** Sets bytes to 0. Parameters: threads, where. */
  public static void clearBytes(KernelContext context, IntArray p, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      bytes.set(p.get(1) + i, (byte) 0);
    }
  }

  /** Copies runs of patterns; parameters as of {@link MovementKernels#copyRuns}. */
  public static void copyShorts(KernelContext context, IntArray p, ShortArray shorts) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int run = i / p.get(3);
      int at = i % p.get(3);
      shorts.set(p.get(2) + run * p.get(5) + at, shorts.get(p.get(1) + run * p.get(4) + at));
    }
  }

  /** Copies runs of bytes; parameters as of {@link MovementKernels#copyRuns}. */
  public static void copyBytes(KernelContext context, IntArray p, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int run = i / p.get(3);
      int at = i % p.get(3);
      bytes.set(p.get(2) + run * p.get(5) + at, bytes.get(p.get(1) + run * p.get(4) + at));
    }
  }

  /**
   * Attention over a stored cache; see {@link AttentionKernels}. Parameters: q, keys, values, y,
   * heads, heads of keys, size of a key, size of a value, rows of the cache, where the scale lies,
   * position, window, scales of keys, scales of values, table, mantissas.
   */
  public static void attentionStored(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts, ByteArray bytes) {
    float[] shares = context.allocateFloatLocalArray(AttentionKernels.LANES);
    float[] sums = context.allocateFloatLocalArray(AttentionKernels.MOST_DIMENSIONS);
    int lane = context.localIdx;
    int heads = p.get(4);
    int row = context.groupIdx / heads;
    int head = context.groupIdx % heads;
    int first = head * p.get(5) / heads * p.get(8);
    int size = p.get(6);
    int valueSize = p.get(7);
    int q = p.get(0) + (row * heads + head) * size;
    int y = p.get(3) + (row * heads + head) * valueSize;
    int table = p.get(14);
    int mantissas = p.get(15);
    float scale = floats.get(p.get(9));
    int to = p.get(10) + row + 1;
    int from = 0;
    if (p.get(11) > 0 && to > p.get(11)) {
      from = to - p.get(11);
    }
    for (int d = lane; d < valueSize; d += LANES) {
      sums[d] = 0f;
    }
    float largest = LOWEST;
    float total = 0f;
    for (int tile = from; tile < to; tile += LANES) {
      int key = tile + lane;
      float score = LOWEST;
      if (key < to) {
        int k = (first + key) * size;
        float product = 0f;
        for (int i = 0; i < size; i++) {
          product +=
              floats.get(q + i)
                  * stored(floats, shorts, bytes, p.get(1), k + i, p.get(12), table, mantissas);
        }
        score = product * scale;
      }
      shares[lane] = score;
      context.localBarrier();
      float greatest = largest;
      for (int j = 0; j < LANES; j++) {
        greatest = TornadoMath.max(greatest, shares[j]);
      }
      context.localBarrier();
      float share = 0f;
      if (key < to) {
        share = TornadoMath.exp(score - greatest);
      }
      shares[lane] = share;
      context.localBarrier();
      float earlier = TornadoMath.exp(largest - greatest);
      total = total * earlier;
      for (int j = 0; j < LANES; j++) {
        total += shares[j];
      }
      int count = to - tile;
      if (count > LANES) {
        count = LANES;
      }
      for (int d = lane; d < valueSize; d += LANES) {
        float sum = sums[d] * earlier;
        for (int j = 0; j < count; j++) {
          int v = (first + tile + j) * valueSize + d;
          sum +=
              shares[j] * stored(floats, shorts, bytes, p.get(2), v, p.get(13), table, mantissas);
        }
        sums[d] = sum;
      }
      largest = greatest;
      context.localBarrier();
    }
    for (int d = lane; d < valueSize; d += LANES) {
      float average = 0f;
      if (total > 0f) {
        average = sums[d] / total;
      }
      floats.set(y + d, average);
    }
  }

  private static float stored(
      FloatArray floats,
      ShortArray shorts,
      ByteArray bytes,
      int base,
      int at,
      int scales,
      int table,
      int mantissas) {
    float value = 0f;
    if (table >= 0) {
      value = WeightReading.half(shorts, floats, base + at, table, mantissas);
    } else {
      value = bytes.get(base + at) * floats.get(scales + at / BLOCK);
    }
    return value;
  }

  /**
   * Returns the 16 bits of the nearest number of f16 or bf16, of two the even one, by exact
   * arithmetic, as bits of an f32 cannot be read everywhere.
   */
  @SuppressWarnings("IdentityBinaryExpression") // Of NaN; the library's method is no device code.
  private static int pattern(FloatArray floats, int powers, int mantissas, float x) {
    int least = -126;
    int bias = 127;
    float limit = 3.3961775e38f;
    int infinite = 255 * 128;
    if (mantissas == 1024) {
      least = -14;
      bias = 15;
      limit = 65520f;
      infinite = 31 * 1024;
    }
    float a = TornadoMath.abs(x);
    int exponent = least;
    if (a < limit && a >= floats.get(powers + 127 + least)) {
      exponent = (int) TornadoMath.floor(TornadoMath.log2(a));
      if (exponent < least) {
        exponent = least;
      }
      if (exponent > 127) {
        exponent = 127;
      }
      // The logarithm may be off by a little.
      if (floats.get(powers + 127 + exponent) > a) {
        exponent = exponent - 1;
      }
      if (exponent < 127 && floats.get(powers + 128 + exponent) <= a) {
        exponent = exponent + 1;
      }
    }
    int down = exponent;
    if (down > 126) {
      down = 126;
    }
    float scaled = a * floats.get(powers + 127 - down) * mantissas;
    if (exponent > 126) {
      scaled = scaled * 0.5f;
    }
    float whole = TornadoMath.floor(scaled);
    float rest = scaled - whole;
    int bits = (int) whole;
    if (rest > 0.5f || (rest == 0.5f && bits % 2 == 1)) {
      bits = bits + 1;
    }
    bits = bits + (exponent + bias - 1) * mantissas;
    if (a >= limit) {
      bits = infinite;
    }
    if (x != x) {
      bits = infinite + mantissas / 2;
    }
    if (x < 0f) {
      bits = bits - 32768;
    }
    return bits;
  }
}
