package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Matrix times vector for quantised weights, which stay as they are stored and are unpacked in
 * registers. What is the same for a group of numbers is applied once to its sum: the scale, and
 * what is subtracted from all of them, for which the sums of groups of inputs are made beforehand.
 *
 * <p>C2 gives up inlining at a number of nodes, of which each access to a segment takes many, and
 * then boxes vectors. So loops are not unrolled by hand, scales are read as few whole words, and
 * methods are too long to be inlined into a caller that would share their budget.
 */
final class VectorBlockMatVec {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  /** The inputs of a group whose sums are made. */
  private static final int GROUP = 32;

  private VectorBlockMatVec() {}

  /**
   * Computes outputs {@code fromRow} to {@code toRow}.
   *
   * @param scratch a float for each group of 32 inputs
   */
  static void multiply(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt, float[] scratch) {
    MemorySegment data = w.data();
    int blocks = w.columns() / w.dtype().blockElements();
    long rowBytes = w.rowOffset(1);
    switch (w.dtype()) {
      case Q8_0 -> {
        for (int row = fromRow; row < toRow; row += 2) {
          int other = Math.min(row + 1, toRow - 1);
          eightBits(
              data, rowBytes * row, rowBytes * other, blocks, x, xAt, y, yAt + row, other - row);
        }
      }
      case Q4_0 -> {
        sums(x, xAt, w.columns(), scratch);
        for (int row = fromRow; row < toRow; row += 2) {
          int other = Math.min(row + 1, toRow - 1);
          fourBits(
              data,
              rowBytes * row,
              rowBytes * other,
              blocks,
              x,
              xAt,
              scratch,
              y,
              yAt + row,
              other - row);
        }
      }
      case Q4_K -> {
        sums(x, xAt, w.columns(), scratch);
        for (int row = fromRow; row < toRow; row++) {
          y[yAt + row] = superFourBits(data, rowBytes * row, blocks, x, xAt, scratch);
        }
      }
      default -> {
        for (int row = fromRow; row < toRow; row++) {
          y[yAt + row] = superSixBits(data, rowBytes * row, blocks, x, xAt);
        }
      }
    }
  }

  private static void sums(float[] x, int xAt, int columns, float[] sums) {
    for (int group = 0; group < columns / GROUP; group++) {
      FloatVector sum = FloatVector.fromArray(F, x, xAt + group * GROUP);
      for (int i = L; i < GROUP; i += L) {
        sum = sum.add(FloatVector.fromArray(F, x, xAt + group * GROUP + i));
      }
      sums[group] = Lanes.sum(sum);
    }
  }

  /** Two rows, so that each input is loaded once for both. */
  private static void eightBits(
      MemorySegment data,
      long r0,
      long r1,
      int blocks,
      float[] x,
      int xAt,
      float[] y,
      int yAt,
      int apart) {
    FloatVector sum0 = FloatVector.zero(F);
    FloatVector sum1 = sum0;
    for (int block = 0; block < blocks; block++) {
      long at0 = r0 + 34L * block;
      long at1 = r1 + 34L * block;
      int in = xAt + 32 * block;
      FloatVector part0 = FloatVector.zero(F);
      FloatVector part1 = part0;
      for (int i = 0; i < 32; i += L) {
        FloatVector v = FloatVector.fromArray(F, x, in + i);
        part0 = BlockLanes.floats(BlockLanes.signed(data, at0 + 2 + i)).fma(v, part0);
        part1 = BlockLanes.floats(BlockLanes.signed(data, at1 + 2 + i)).fma(v, part1);
      }
      sum0 = part0.fma(FloatVector.broadcast(F, BlockLanes.half(data, at0)), sum0);
      sum1 = part1.fma(FloatVector.broadcast(F, BlockLanes.half(data, at1)), sum1);
    }
    y[yAt] = Lanes.sum(sum0);
    y[yAt + apart] = Lanes.sum(sum1);
  }

  private static void fourBits(
      MemorySegment data,
      long r0,
      long r1,
      int blocks,
      float[] x,
      int xAt,
      float[] sums,
      float[] y,
      int yAt,
      int apart) {
    FloatVector sum0 = FloatVector.zero(F);
    FloatVector sum1 = sum0;
    float off0 = 0;
    float off1 = 0;
    for (int block = 0; block < blocks; block++) {
      long at0 = r0 + 18L * block;
      long at1 = r1 + 18L * block;
      int in = xAt + 32 * block;
      FloatVector part0 = FloatVector.zero(F);
      FloatVector part1 = part0;
      for (int i = 0; i < 16; i += L) {
        FloatVector a = FloatVector.fromArray(F, x, in + i);
        FloatVector b = FloatVector.fromArray(F, x, in + 16 + i);
        IntVector bytes0 = BlockLanes.unsigned(data, at0 + 2 + i);
        part0 = BlockLanes.high(bytes0).fma(b, BlockLanes.low(bytes0).fma(a, part0));
        IntVector bytes1 = BlockLanes.unsigned(data, at1 + 2 + i);
        part1 = BlockLanes.high(bytes1).fma(b, BlockLanes.low(bytes1).fma(a, part1));
      }
      float d0 = BlockLanes.half(data, at0);
      float d1 = BlockLanes.half(data, at1);
      sum0 = part0.fma(FloatVector.broadcast(F, d0), sum0);
      sum1 = part1.fma(FloatVector.broadcast(F, d1), sum1);
      off0 = Math.fma(d0, sums[block], off0);
      off1 = Math.fma(d1, sums[block], off1);
    }
    y[yAt] = Lanes.sum(sum0) - 8 * off0;
    y[yAt + apart] = Lanes.sum(sum1) - 8 * off1;
  }

  private static float superFourBits(
      MemorySegment data, long at, int blocks, float[] x, int xAt, float[] sums) {
    FloatVector sum = FloatVector.zero(F);
    float off = 0;
    for (int block = 0; block < blocks; block++) {
      long from = at + 144L * block;
      int in = xAt + 256 * block;
      int group = 8 * block;
      long first = BlockLanes.words(data, from);
      long last = BlockLanes.words(data, from + 8);
      float d = Float.float16ToFloat((short) first);
      float m = Float.float16ToFloat((short) (first >> 16));
      long scales = BlockLanes.scales(first, last);
      long minima = BlockLanes.minima(first, last);
      for (int pair = 0; pair < 4; pair++) {
        FloatVector low = FloatVector.zero(F);
        FloatVector high = low;
        for (int i = 0; i < 32; i += L) {
          IntVector bytes = BlockLanes.unsigned(data, from + 16 + 32L * pair + i);
          int to = in + 64 * pair + i;
          low = BlockLanes.low(bytes).fma(FloatVector.fromArray(F, x, to), low);
          high = BlockLanes.high(bytes).fma(FloatVector.fromArray(F, x, to + 32), high);
        }
        int shift = 16 * pair;
        sum = low.fma(FloatVector.broadcast(F, d * (scales >>> shift & 63)), sum);
        sum = high.fma(FloatVector.broadcast(F, d * (scales >>> shift + 8 & 63)), sum);
        float below = (minima >>> shift & 63) * sums[group + 2 * pair];
        below += (minima >>> shift + 8 & 63) * sums[group + 2 * pair + 1];
        off = Math.fma(m, below, off);
      }
    }
    return Lanes.sum(sum) - off;
  }

  private static float superSixBits(MemorySegment data, long at, int blocks, float[] x, int xAt) {
    FloatVector sum = FloatVector.zero(F);
    for (int block = 0; block < blocks; block++) {
      long from = at + 210L * block;
      float d = BlockLanes.half(data, from + 208);
      for (int half = 0; half < 2; half++) {
        long scales = BlockLanes.words(data, from + 192 + 8L * half);
        long lower = from + 64L * half;
        long upper = from + 128 + 32L * half;
        int in = xAt + 256 * block + 128 * half;
        for (int quarter = 0; quarter < 4; quarter++) {
          long nibbles = lower + quarter % 2 * 32L;
          for (int i = 0; i < 32; i += L) {
            IntVector q = BlockLanes.six(data, nibbles + i, upper + i, quarter);
            FloatVector v = FloatVector.fromArray(F, x, in + 32 * quarter + i);
            float scale = d * (byte) (scales >> 16 * quarter + i / 16 * 8);
            sum = BlockLanes.floats(q).mul(v).fma(FloatVector.broadcast(F, scale), sum);
          }
        }
      }
    }
    return Lanes.sum(sum);
  }
}
