package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/** Copies of every kind: one thread for each number that is written. */
public final class MovementKernels {

  private MovementKernels() {}

  /** Sets numbers to 0. Parameters: threads, where. */
  public static void clear(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      floats.set(p.get(1) + i, 0f);
    }
  }

  /**
   * Copies runs of numbers that lie at equal distances. Parameters: threads, from, to, the numbers
   * of a run, the distance of runs read, of runs written.
   */
  public static void copyRuns(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int run = i / p.get(3);
      int at = i % p.get(3);
      floats.set(p.get(2) + run * p.get(5) + at, floats.get(p.get(1) + run * p.get(4) + at));
    }
  }

  /**
   * Writes rows of a cache, each head's next to its earlier ones. Parameters: threads, rows, state,
   * heads, numbers of a row, rows of the cache, position; in {@link Parts}.
   */
  public static void append(KernelContext context, IntArray p, FloatArray floats) {
    int part = Parts.of(p, Parts.THREADS, context.globalIdx);
    int i = context.globalIdx - Parts.before(p, Parts.THREADS, part);
    if (i < p.get(part)) {
      int size = p.get(part + 4);
      int at = i % size;
      int head = i / size % p.get(part + 3);
      int row = i / size / p.get(part + 3);
      int to = (head * p.get(part + 5) + p.get(part + 6) + row) * size + at;
      floats.set(p.get(part + 2) + to, floats.get(p.get(part + 1) + i));
    }
  }

  /** Takes rows of an f32 table. Parameters: threads, ids, y, numbers of a row, the table. */
  public static void gatherFloats(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int size = p.get(3);
      int row = ints.get(p.get(1) + i / size);
      floats.set(p.get(2) + i, floats.get(p.get(4) + row * size + i % size));
    }
  }

  /** Takes rows of a table of f16 or bf16. Parameters: as for f32, then powers and mantissas. */
  public static void gatherHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int size = p.get(3);
      int row = ints.get(p.get(1) + i / size);
      int at = p.get(4) + row * size + i % size;
      floats.set(p.get(2) + i, WeightReading.half(shorts, floats, at, p.get(5), p.get(6)));
    }
  }

  /** Takes rows of a table of blocks. Parameters: as for f32, then scales, minima, block size. */
  public static void gatherBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int size = p.get(3);
      int at = ints.get(p.get(1) + i / size) * size + i % size;
      int block = at / p.get(7);
      float value = bytes.get(p.get(4) + at) * floats.get(p.get(5) + block);
      if (p.get(6) >= 0) {
        value = value - floats.get(p.get(6) + block);
      }
      floats.set(p.get(2) + i, value);
    }
  }

  /**
   * Adds up weighted rows of an f32 table. Parameters: threads, ids, y, numbers of a row, the
   * table, weights, rows for each result.
   */
  public static void gatherWeighted(
      KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int size = p.get(3);
      int terms = p.get(6);
      int first = i / size * terms;
      int at = i % size;
      float sum = 0f;
      for (int term = 0; term < terms; term++) {
        int row = ints.get(p.get(1) + first + term);
        sum += floats.get(p.get(5) + first + term) * floats.get(p.get(4) + row * size + at);
      }
      floats.set(p.get(2) + i, sum);
    }
  }

  /**
   * Writes rows to places of their own, or adds them. Parameters: threads, ids, x, numbers of a
   * row, y, 1 to add.
   */
  public static void scatter(KernelContext context, IntArray p, FloatArray floats, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int size = p.get(3);
      int to = p.get(4) + ints.get(p.get(1) + i / size) * size + i % size;
      float value = floats.get(p.get(2) + i);
      if (p.get(5) == 1) {
        value = value + floats.get(to);
      }
      floats.set(to, value);
    }
  }
}
