package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Matrix times vector for quantised weights, which stay as they are stored and are unpacked in
 * registers. What is the same for a group of numbers is applied once to its sum: the scale, and
 * what is subtracted from all of them, for which the sums of groups of inputs are made beforehand.
 *
 * <p>One row at a time: with more, C2 meets its limit on nodes, stops inlining and boxes vectors.
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
        for (int row = fromRow; row < toRow; row++) {
          y[yAt + row] = eightBits(data, rowBytes * row, blocks, x, xAt);
        }
      }
      case Q4_0 -> {
        sums(x, xAt, w.columns(), scratch);
        for (int row = fromRow; row < toRow; row++) {
          y[yAt + row] = fourBits(data, rowBytes * row, blocks, x, xAt, scratch);
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

  private static float eightBits(MemorySegment data, long at, int blocks, float[] x, int xAt) {
    FloatVector sum = FloatVector.zero(F);
    for (int block = 0; block < blocks; block++) {
      long from = at + 34L * block;
      int in = xAt + 32 * block;
      FloatVector part = eight(data, from + 2).mul(FloatVector.fromArray(F, x, in));
      for (int i = L; i < 32; i += L) {
        part = eight(data, from + 2 + i).fma(FloatVector.fromArray(F, x, in + i), part);
      }
      sum = part.fma(FloatVector.broadcast(F, BlockLanes.half(data, from)), sum);
    }
    return Lanes.sum(sum);
  }

  private static FloatVector eight(MemorySegment data, long at) {
    return BlockLanes.floats(BlockLanes.signed(data, at));
  }

  private static float fourBits(
      MemorySegment data, long at, int blocks, float[] x, int xAt, float[] sums) {
    FloatVector sum = FloatVector.zero(F);
    float off = 0;
    for (int block = 0; block < blocks; block++) {
      long from = at + 18L * block;
      int in = xAt + 32 * block;
      float d = BlockLanes.half(data, from);
      FloatVector part = FloatVector.zero(F);
      for (int i = 0; i < 16; i += L) {
        IntVector bytes = BlockLanes.unsigned(data, from + 2 + i);
        part = BlockLanes.low(bytes).fma(FloatVector.fromArray(F, x, in + i), part);
        part = BlockLanes.high(bytes).fma(FloatVector.fromArray(F, x, in + 16 + i), part);
      }
      sum = part.fma(FloatVector.broadcast(F, d), sum);
      off = Math.fma(d, sums[block], off);
    }
    return Lanes.sum(sum) - 8 * off;
  }

  private static float superFourBits(
      MemorySegment data, long at, int blocks, float[] x, int xAt, float[] sums) {
    FloatVector sum = FloatVector.zero(F);
    float off = 0;
    for (int block = 0; block < blocks; block++) {
      long from = at + 144L * block;
      int in = xAt + 256 * block;
      int group = 8 * block;
      float d = BlockLanes.half(data, from);
      float m = BlockLanes.half(data, from + 2);
      int scales = BlockLanes.firstScales(data, from);
      sum = pair(data, from + 16, d, scales, x, in, sum);
      sum = pair(data, from + 48, d, scales >>> 16, x, in + 64, sum);
      scales = BlockLanes.lastScales(data, from);
      sum = pair(data, from + 80, d, scales, x, in + 128, sum);
      sum = pair(data, from + 112, d, scales >>> 16, x, in + 192, sum);
      float minima =
          four(BlockLanes.firstMinima(data, from), sums, group)
              + four(BlockLanes.lastMinima(data, from), sums, group + 4);
      off = Math.fma(m, minima, off);
    }
    return Lanes.sum(sum) - off;
  }

  /** Adds two groups that share bytes. */
  private static FloatVector pair(
      MemorySegment data, long at, float d, int scales, float[] x, int xAt, FloatVector sum) {
    FloatVector low = FloatVector.zero(F);
    FloatVector high = low;
    for (int i = 0; i < 32; i += L) {
      IntVector bytes = BlockLanes.unsigned(data, at + i);
      low = BlockLanes.low(bytes).fma(FloatVector.fromArray(F, x, xAt + i), low);
      high = BlockLanes.high(bytes).fma(FloatVector.fromArray(F, x, xAt + 32 + i), high);
    }
    FloatVector first = low.fma(FloatVector.broadcast(F, d * (scales & 63)), sum);
    return high.fma(FloatVector.broadcast(F, d * (scales >>> 8 & 63)), first);
  }

  private static float four(int minima, float[] sums, int at) {
    float first = (minima & 63) * sums[at] + (minima >>> 8 & 63) * sums[at + 1];
    return first + ((minima >>> 16 & 63) * sums[at + 2] + (minima >>> 24) * sums[at + 3]);
  }

  private static float superSixBits(MemorySegment data, long at, int blocks, float[] x, int xAt) {
    FloatVector sum = FloatVector.zero(F);
    for (int block = 0; block < blocks; block++) {
      long from = at + 210L * block;
      int in = xAt + 256 * block;
      float d = BlockLanes.half(data, from + 208);
      for (int i = 0; i < 32; i += L) {
        sum = quarters(data, from + i, from + 128 + i, from + 192 + i / 16, d, x, in + i, sum);
      }
      for (int i = 0; i < 32; i += L) {
        sum =
            quarters(
                data, from + 64 + i, from + 160 + i, from + 200 + i / 16, d, x, in + 128 + i, sum);
      }
    }
    return Lanes.sum(sum);
  }

  /** Adds a vector of each quarter of half a block; quarters share bytes. */
  private static FloatVector quarters(
      MemorySegment data,
      long lower,
      long upper,
      long scales,
      float d,
      float[] x,
      int xAt,
      FloatVector sum) {
    IntVector a = BlockLanes.unsigned(data, lower);
    IntVector b = BlockLanes.unsigned(data, lower + 32);
    IntVector top = BlockLanes.unsigned(data, upper);
    FloatVector s = product(BlockLanes.six(a.and(15), top, 0), d, data, scales, x, xAt, sum);
    s = product(BlockLanes.six(b.and(15), top, 2), d, data, scales + 2, x, xAt + 32, s);
    IntVector c = a.lanewise(VectorOperators.LSHR, 4);
    s = product(BlockLanes.six(c, top, 4), d, data, scales + 4, x, xAt + 64, s);
    IntVector e = b.lanewise(VectorOperators.LSHR, 4);
    return product(BlockLanes.six(e, top, 6), d, data, scales + 6, x, xAt + 96, s);
  }

  private static FloatVector product(
      FloatVector q, float d, MemorySegment data, long scale, float[] x, int xAt, FloatVector sum) {
    float factor = d * data.get(ValueLayout.JAVA_BYTE, scale);
    return q.mul(FloatVector.fromArray(F, x, xAt)).fma(FloatVector.broadcast(F, factor), sum);
  }
}
