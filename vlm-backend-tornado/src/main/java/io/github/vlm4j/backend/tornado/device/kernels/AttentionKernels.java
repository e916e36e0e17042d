package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention: a work-group of {@value #LANES} threads for each row and head of queries. Keys are
 * read {@value #LANES} at a time with a running softmax (Milakov and Gimelshein, 2018), a thread
 * for each key and then a thread for every {@value #LANES}th dimension of the result.
 *
 * <p>Parameters: q, k, v, y, heads, heads of keys, size of a query, size of a value; from one row
 * of keys to the next and from one head of keys to the next, the same two of values; where the
 * scale lies; then the first and last key of each row, as a place in the heap of integers, or -1
 * for a cache, and for a cache the position of the first row and the window, 0 for none.
 */
public final class AttentionKernels {

  /** The threads of a work-group, and keys read at a time. */
  public static final int LANES = 64;

  /** The greatest size of a value: sums are kept in local memory. */
  public static final int MOST_DIMENSIONS = 1024;

  private static final float LOWEST = -3.4e38f;

  private AttentionKernels() {}

  /** Averages values. */
  public static void attention(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    float[] shares = context.allocateFloatLocalArray(LANES);
    float[] sums = context.allocateFloatLocalArray(MOST_DIMENSIONS);
    int lane = context.localIdx;
    int heads = p.get(4);
    int row = context.groupIdx / heads;
    int head = context.groupIdx % heads;
    int keyHead = head * p.get(5) / heads;
    int size = p.get(6);
    int valueSize = p.get(7);
    int q = p.get(0) + (row * heads + head) * size;
    int keyStep = p.get(8);
    int keys = p.get(1) + keyHead * p.get(9);
    int valueStep = p.get(10);
    int values = p.get(2) + keyHead * p.get(11);
    int y = p.get(3) + (row * heads + head) * valueSize;
    float scale = floats.get(p.get(12));
    int table = p.get(13);
    int to = p.get(14) + row + 1;
    int from = 0;
    if (p.get(15) > 0 && to > p.get(15)) {
      from = to - p.get(15);
    }
    if (table >= 0) {
      from = ints.get(table + 2 * row);
      to = ints.get(table + 2 * row + 1);
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
        int k = keys + key * keyStep;
        float product = 0f;
        for (int i = 0; i < size; i++) {
          product += floats.get(q + i) * floats.get(k + i);
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
          sum += shares[j] * floats.get(values + (tile + j) * valueStep + d);
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

  /**
   * Writes what each key is given. Parameters as above, without values; y is {@code [heads, rows,
   * keys]}, the last two parameters are the number of rows and of keys.
   */
  public static void attentionWeights(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    float[] shares = context.allocateFloatLocalArray(LANES);
    float[] totals = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int heads = p.get(4);
    int row = context.groupIdx / heads;
    int head = context.groupIdx % heads;
    int size = p.get(6);
    int q = p.get(0) + (row * heads + head) * size;
    int keyStep = p.get(8);
    int keys = p.get(1) + head * p.get(5) / heads * p.get(9);
    float scale = floats.get(p.get(12));
    int all = p.get(15);
    int y = p.get(3) + (head * p.get(14) + row) * all;
    int from = ints.get(p.get(13) + 2 * row);
    int to = ints.get(p.get(13) + 2 * row + 1);
    float largest = LOWEST;
    for (int key = lane; key < all; key += LANES) {
      float score = 0f;
      if (key >= from && key < to) {
        int k = keys + key * keyStep;
        for (int i = 0; i < size; i++) {
          score += floats.get(q + i) * floats.get(k + i);
        }
        score = score * scale;
        largest = TornadoMath.max(largest, score);
      }
      floats.set(y + key, score);
    }
    shares[lane] = largest;
    context.localBarrier();
    float greatest = LOWEST;
    for (int j = 0; j < LANES; j++) {
      greatest = TornadoMath.max(greatest, shares[j]);
    }
    float own = 0f;
    for (int key = lane; key < all; key += LANES) {
      if (key >= from && key < to) {
        float share = TornadoMath.exp(floats.get(y + key) - greatest);
        floats.set(y + key, share);
        own += share;
      }
    }
    totals[lane] = own;
    context.localBarrier();
    float total = 0f;
    for (int j = 0; j < LANES; j++) {
      total += totals[j];
    }
    for (int key = lane; key < all; key += LANES) {
      if (key >= from && key < to) {
        floats.set(y + key, floats.get(y + key) / total);
      }
    }
  }
}
