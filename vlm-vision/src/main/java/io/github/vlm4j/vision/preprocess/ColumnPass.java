package io.github.vlm4j.vision.preprocess;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The pass of a {@link Resampler} that changes the number of columns. Rows are taken in blocks and
 * turned, so that the innermost loop runs down a column of neighbouring bytes, whatever the number
 * of channels, and compiles to vector instructions.
 */
final class ColumnPass {

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final int MAX_ROWS = 64;

  /** Blocks are turned in squares of as many bytes. */
  static final int SIDE = 8;

  /** What a block of turned rows may take, so that it stays in a core's cache. */
  private static final int MAX_BLOCK_BYTES = 1 << 20;

  private final AxisWeights weights;
  private final int[] fixed;
  private final int bits;
  private final int channels;
  private final int blockRows;
  private final int firstByte;
  private final int usedBytes;
  private final byte[] turned;
  private final int[] sums;

  ColumnPass(AxisWeights weights, Resampler.Arithmetic arithmetic, int channels) {
    this.weights = weights;
    this.bits = weights.fractionBits(arithmetic);
    this.fixed = weights.fixed(bits);
    this.channels = channels;
    this.firstByte = channels * weights.firstInput();
    this.usedBytes = channels * (weights.endInput() - weights.firstInput());
    int rows = MAX_ROWS;
    while (rows > SIDE && (long) usedBytes * rows > MAX_BLOCK_BYTES) {
      rows /= 2;
    }
    this.blockRows = rows;
    this.turned = new byte[Math.multiplyExact(Math.ceilDiv(usedBytes, SIDE) * SIDE, rows)];
    this.sums = new int[rows];
  }

  /** The number of rows that {@link #apply} takes at most. */
  int blockRows() {
    return blockRows;
  }

  /** The number of bytes of a row's buffer, which has a few to spare. */
  int rowBytes(int width) {
    return Math.addExact(channels * width, SIDE);
  }

  /**
   * Resizes rows.
   *
   * @param rows `[blockRows, stride]`
   * @param stride as {@link #rowBytes}
   * @param count how many of the rows there are
   * @param target receives `[count, outputs, channels]`
   */
  void apply(byte[] rows, int stride, int count, byte[] target, int at) {
    turn(rows, stride);
    int targetStride = channels * weights.outputs();
    for (int i = 0; i < weights.outputs(); i++) {
      int from = (weights.start(i) - weights.firstInput()) * channels;
      for (int c = 0; c < channels; c++) {
        Arrays.fill(sums, 1 << (bits - 1));
        for (int j = 0; j < weights.count(i); j++) {
          accumulate((from + j * channels + c) * blockRows, fixed[i * weights.taps() + j]);
        }
        int to = at + i * channels + c;
        for (int r = 0; r < count; r++, to += targetStride) {
          target[to] = (byte) Math.min(Math.max(sums[r] >> bits, 0), 255);
        }
      }
    }
  }

  private void accumulate(int from, int weight) {
    byte[] bytes = turned;
    int[] into = sums;
    for (int r = 0; r < into.length; r++) {
      into[r] += weight * (bytes[from + r] & 0xff);
    }
  }

  /** From `[rows, bytes]` to `[bytes, rows]`, square by square. */
  private void turn(byte[] rows, int stride) {
    for (int k = 0; k < usedBytes; k += SIDE) {
      for (int r = 0; r < blockRows; r += SIDE) {
        turnSquare(rows, r * stride + firstByte + k, stride, k * blockRows + r);
      }
    }
  }

  private void turnSquare(byte[] rows, int from, int stride, int to) {
    long a = (long) LONGS.get(rows, from);
    long b = (long) LONGS.get(rows, from + stride);
    long c = (long) LONGS.get(rows, from + 2 * stride);
    long d = (long) LONGS.get(rows, from + 3 * stride);
    long e = (long) LONGS.get(rows, from + 4 * stride);
    long f = (long) LONGS.get(rows, from + 5 * stride);
    long g = (long) LONGS.get(rows, from + 6 * stride);
    long h = (long) LONGS.get(rows, from + 7 * stride);
    // Exchange the off-diagonal quarters of 8×8, then of each 4×4, then of each 2×2.
    long t = (a >>> 32 ^ e) & 0xffffffffL;
    a ^= t << 32;
    e ^= t;
    t = (b >>> 32 ^ f) & 0xffffffffL;
    b ^= t << 32;
    f ^= t;
    t = (c >>> 32 ^ g) & 0xffffffffL;
    c ^= t << 32;
    g ^= t;
    t = (d >>> 32 ^ h) & 0xffffffffL;
    d ^= t << 32;
    h ^= t;
    t = (a >>> 16 ^ c) & 0xffff0000ffffL;
    a ^= t << 16;
    c ^= t;
    t = (b >>> 16 ^ d) & 0xffff0000ffffL;
    b ^= t << 16;
    d ^= t;
    t = (e >>> 16 ^ g) & 0xffff0000ffffL;
    e ^= t << 16;
    g ^= t;
    t = (f >>> 16 ^ h) & 0xffff0000ffffL;
    f ^= t << 16;
    h ^= t;
    t = (a >>> 8 ^ b) & 0xff00ff00ff00ffL;
    LONGS.set(turned, to, a ^ t << 8);
    LONGS.set(turned, to + blockRows, b ^ t);
    t = (c >>> 8 ^ d) & 0xff00ff00ff00ffL;
    LONGS.set(turned, to + 2 * blockRows, c ^ t << 8);
    LONGS.set(turned, to + 3 * blockRows, d ^ t);
    t = (e >>> 8 ^ f) & 0xff00ff00ff00ffL;
    LONGS.set(turned, to + 4 * blockRows, e ^ t << 8);
    LONGS.set(turned, to + 5 * blockRows, f ^ t);
    t = (g >>> 8 ^ h) & 0xff00ff00ff00ffL;
    LONGS.set(turned, to + 6 * blockRows, g ^ t << 8);
    LONGS.set(turned, to + 7 * blockRows, h ^ t);
  }
}
