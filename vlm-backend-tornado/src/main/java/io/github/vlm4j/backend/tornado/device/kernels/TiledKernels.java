package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Linear layers of many rows: a work-group for each {@value #TILE} by {@value #TILE} numbers of the
 * result, by way of local memory, four by four for each thread. Weights of other types are first
 * made f32, once for all rows.
 */
public final class TiledKernels {

  /** The threads of a work-group. */
  public static final int THREADS = 256;

  /** The rows, and the columns, of the result that a work-group computes. */
  public static final int TILE = 64;

  /** The numbers of the result that a thread computes. */
  public static final int NUMBERS_OF_THREAD = 16;

  /** The products that are added up between two loads. */
  private static final int DEPTH = 16;

  private static final int SIDE = 16;
  private static final int PART = TILE * DEPTH;

  private TiledKernels() {}

  /**
   * Multiplies with f32 weights. Parameters: x, y, bias or -1, columns of the result computed here,
   * columns of x, w, rows, columns of y in all, what the result is multiplied by or -1, how many
   * numbers of a thread are then activated (all or none), and the activation's ordinal.
   */
  public static void multiplyTiles(KernelContext context, IntArray p, FloatArray floats) {
    float[] xs = context.allocateFloatLocalArray(PART);
    float[] ws = context.allocateFloatLocalArray(PART);
    int lane = context.localIdx;
    int columns = p.get(3);
    int in = p.get(4);
    int rows = p.get(6);
    int across = (columns + TILE - 1) / TILE;
    int firstRow = context.groupIdx / across * TILE;
    int firstColumn = context.groupIdx % across * TILE;
    int row = lane / SIDE * 4;
    int column = lane % SIDE;
    float s00 = 0f;
    float s01 = 0f;
    float s02 = 0f;
    float s03 = 0f;
    float s10 = 0f;
    float s11 = 0f;
    float s12 = 0f;
    float s13 = 0f;
    float s20 = 0f;
    float s21 = 0f;
    float s22 = 0f;
    float s23 = 0f;
    float s30 = 0f;
    float s31 = 0f;
    float s32 = 0f;
    float s33 = 0f;
    for (int from = 0; from < in; from += DEPTH) {
      for (int i = lane; i < PART; i += THREADS) {
        int k = from + i % DEPTH;
        int line = i / DEPTH;
        int r = firstRow + line;
        int c = firstColumn + line;
        float a = 0f;
        float b = 0f;
        if (k < in && r < rows) {
          a = floats.get(p.get(0) + r * in + k);
        }
        if (k < in && c < columns) {
          b = floats.get(p.get(5) + c * in + k);
        }
        xs[i % DEPTH * TILE + line] = a;
        ws[i % DEPTH * TILE + line] = b;
      }
      context.localBarrier();
      for (int k = 0; k < PART; k += TILE) {
        float x0 = xs[k + row];
        float x1 = xs[k + row + 1];
        float x2 = xs[k + row + 2];
        float x3 = xs[k + row + 3];
        float w0 = ws[k + column];
        float w1 = ws[k + column + SIDE];
        float w2 = ws[k + column + 2 * SIDE];
        float w3 = ws[k + column + 3 * SIDE];
        s00 += x0 * w0;
        s01 += x0 * w1;
        s02 += x0 * w2;
        s03 += x0 * w3;
        s10 += x1 * w0;
        s11 += x1 * w1;
        s12 += x1 * w2;
        s13 += x1 * w3;
        s20 += x2 * w0;
        s21 += x2 * w1;
        s22 += x2 * w2;
        s23 += x2 * w3;
        s30 += x3 * w0;
        s31 += x3 * w1;
        s32 += x3 * w2;
        s33 += x3 * w3;
      }
      context.localBarrier();
    }
    int r = firstRow + row;
    int c = firstColumn + column;
    store(p, floats, r, c, s00);
    store(p, floats, r, c + SIDE, s01);
    store(p, floats, r, c + 2 * SIDE, s02);
    store(p, floats, r, c + 3 * SIDE, s03);
    store(p, floats, r + 1, c, s10);
    store(p, floats, r + 1, c + SIDE, s11);
    store(p, floats, r + 1, c + 2 * SIDE, s12);
    store(p, floats, r + 1, c + 3 * SIDE, s13);
    store(p, floats, r + 2, c, s20);
    store(p, floats, r + 2, c + SIDE, s21);
    store(p, floats, r + 2, c + 2 * SIDE, s22);
    store(p, floats, r + 2, c + 3 * SIDE, s23);
    store(p, floats, r + 3, c, s30);
    store(p, floats, r + 3, c + SIDE, s31);
    store(p, floats, r + 3, c + 2 * SIDE, s32);
    store(p, floats, r + 3, c + 3 * SIDE, s33);
    for (int i = 0; i < p.get(9); i++) {
      activate(p, floats, r + i / 4, c + i % 4 * SIDE);
    }
  }

  private static void activate(IntArray p, FloatArray floats, int row, int column) {
    if (row < p.get(6) && column < p.get(3)) {
      int at = p.get(1) + row * p.get(7) + column;
      float value = ElementKernels.activated(p.get(10), floats.get(at));
      floats.set(at, value);
    }
  }

  private static void store(IntArray p, FloatArray floats, int row, int column, float sum) {
    if (row < p.get(6) && column < p.get(3)) {
      float value = sum;
      if (p.get(2) >= 0) {
        value = value + floats.get(p.get(2) + column);
      }
      if (p.get(8) >= 0) {
        value = value * floats.get(p.get(8) + row * p.get(7) + column);
      }
      floats.set(p.get(1) + row * p.get(7) + column, value);
    }
  }

  /** Makes f16 or bf16 weights f32. Parameters: threads, from, to, powers, mantissas. */
  public static void decodeHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      float value = WeightReading.half(shorts, floats, p.get(1) + i, p.get(3), p.get(4));
      floats.set(p.get(2) + i, value);
    }
  }

  /**
   * Makes weights of bytes in blocks f32. Parameters: threads, from, to, scales, minima or -1, the
   * size of a block.
   */
  public static void decodeBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int block = i / p.get(5);
      float value = bytes.get(p.get(1) + i) * floats.get(p.get(3) + block);
      if (p.get(4) >= 0) {
        value = value - floats.get(p.get(4) + block);
      }
      floats.set(p.get(2) + i, value);
    }
  }
}
