package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Matrix times vector, bound by how fast weights arrive from memory: four rows at a time, each
 * input loaded once for all of them, weights converted in registers. The four lie a quarter of the
 * band apart, so that each goes on where the one before it ended: four long streams, which
 * processors fetch ahead across pages, instead of four new short ones every few rows (27 instead of
 * 22 GB/s with two Zen 4 cores, as much as reading alone reaches).
 *
 * <p>16-bit weights are read in pairs, as ints: whole vectors of them cost half the loads, checks
 * and conversions of half vectors (39 instead of 25 GB/s a core from the cache with AVX2). The
 * inputs are therefore parted into those of even and of odd index first.
 */
final class VectorMatVec {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(F, 0);
  private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(F, 1);

  private VectorMatVec() {}

  /** Returns the floats of parted inputs and of the vectors that four outputs are the sums of. */
  static int scratchFloats(int columns) {
    return columns + 4 * L;
  }

  static void multiply(
      Matrix w,
      int fromRow,
      int toRow,
      float[] x,
      int xAt,
      float @Nullable [] bias,
      float[] y,
      int yAt,
      float[] scratch) {
    if (w.dtype().isQuantised()) {
      VectorBlockMatVec.multiply(w, fromRow, toRow, x, xAt, y, yAt, scratch);
    } else {
      multiplyFloats(w, fromRow, toRow, x, xAt, y, yAt, scratch);
    }
    if (bias != null) {
      VectorElements.add(y, yAt + fromRow, bias, fromRow, y, yAt + fromRow, toRow - fromRow);
    }
  }

  private static void multiplyFloats(
      Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt, float[] scratch) {
    MemorySegment data = w.data();
    int columns = w.columns();
    long rowBytes = w.rowOffset(1);
    int quarter = (toRow - fromRow) / 4;
    int row = fromRow;
    int whole;
    if (w.dtype() == DType.F32) {
      whole = columns - columns % L;
      for (int i = fromRow; i < fromRow + quarter; i++) {
        fourF32(data, rowBytes, i, quarter, x, xAt, whole, scratch, columns);
        Lanes.sums(scratch, columns, 4, y, yAt + i, quarter);
      }
      row += 4 * quarter;
    } else {
      whole = columns - columns % (2 * L);
      part(x, xAt, whole, scratch);
      if (w.dtype() == DType.BF16) {
        for (int i = fromRow; i < fromRow + quarter; i++) {
          fourBf16(data, rowBytes, i, quarter, scratch, whole / 2, columns);
          Lanes.sums(scratch, columns, 4, y, yAt + i, quarter);
        }
        row += 4 * quarter;
      } else {
        for (; row < toRow; row++) {
          if (!oneF16(data, rowBytes, row, scratch, whole / 2, y, yAt)) {
            break;
          }
        }
      }
    }
    addTails(w, fromRow, row, whole, x, xAt, y, yAt);
    for (; row < toRow; row++) {
      y[yAt + row] = one(w, row, x, xAt);
      addTails(w, row, row + 1, columns - columns % L, x, xAt, y, yAt);
    }
  }

  /** Writes the inputs of even index, then those of odd index. */
  private static void part(float[] x, int xAt, int whole, float[] parted) {
    int half = whole / 2;
    for (int i = 0; i < half; i += L) {
      FloatVector a = FloatVector.fromArray(F, x, xAt + 2 * i);
      FloatVector b = FloatVector.fromArray(F, x, xAt + 2 * i + L);
      a.rearrange(EVEN, b).intoArray(parted, i);
      a.rearrange(ODD, b).intoArray(parted, half + i);
    }
  }

  /** Writes four vectors whose lanes add up to outputs that lie some rows apart. */
  private static void fourF32(
      MemorySegment data,
      long rowBytes,
      int row,
      int apart,
      float[] x,
      int xAt,
      int whole,
      float[] sums,
      int at) {
    long r0 = rowBytes * row;
    long r1 = r0 + rowBytes * apart;
    long r2 = r1 + rowBytes * apart;
    long r3 = r2 + rowBytes * apart;
    FloatVector s0 = FloatVector.zero(F);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    for (int i = 0; i < whole; i += L) {
      FloatVector v = FloatVector.fromArray(F, x, xAt + i);
      s0 = Weights.f32(data, r0 + 4L * i).fma(v, s0);
      s1 = Weights.f32(data, r1 + 4L * i).fma(v, s1);
      s2 = Weights.f32(data, r2 + 4L * i).fma(v, s2);
      s3 = Weights.f32(data, r3 + 4L * i).fma(v, s3);
    }
    s0.intoArray(sums, at);
    s1.intoArray(sums, at + L);
    s2.intoArray(sums, at + 2 * L);
    s3.intoArray(sums, at + 3 * L);
  }

  /** Does the same with parted inputs, behind which the four vectors are written. */
  private static void fourBf16(
      MemorySegment data, long rowBytes, int row, int apart, float[] parted, int half, int at) {
    long r0 = rowBytes * row;
    long r1 = r0 + rowBytes * apart;
    long r2 = r1 + rowBytes * apart;
    long r3 = r2 + rowBytes * apart;
    FloatVector even0 = FloatVector.zero(F);
    FloatVector even1 = even0;
    FloatVector even2 = even0;
    FloatVector even3 = even0;
    FloatVector odd0 = even0;
    FloatVector odd1 = even0;
    FloatVector odd2 = even0;
    FloatVector odd3 = even0;
    for (int i = 0; i < half; i += L) {
      FloatVector a = FloatVector.fromArray(F, parted, i);
      FloatVector b = FloatVector.fromArray(F, parted, half + i);
      IntVector w0 = pairs(data, r0 + 4L * i);
      even0 = evenBf16(w0).fma(a, even0);
      odd0 = oddBf16(w0).fma(b, odd0);
      IntVector w1 = pairs(data, r1 + 4L * i);
      even1 = evenBf16(w1).fma(a, even1);
      odd1 = oddBf16(w1).fma(b, odd1);
      IntVector w2 = pairs(data, r2 + 4L * i);
      even2 = evenBf16(w2).fma(a, even2);
      odd2 = oddBf16(w2).fma(b, odd2);
      IntVector w3 = pairs(data, r3 + 4L * i);
      even3 = evenBf16(w3).fma(a, even3);
      odd3 = oddBf16(w3).fma(b, odd3);
    }
    even0.add(odd0).intoArray(parted, at);
    even1.add(odd1).intoArray(parted, at + L);
    even2.add(odd2).intoArray(parted, at + 2 * L);
    even3.add(odd3).intoArray(parted, at + 3 * L);
  }

  /**
   * Computes one output and returns whether it is right, which it is if all weights are finite. One
   * row: with more, C2 meets its limit on nodes, stops inlining and boxes every vector.
   */
  private static boolean oneF16(
      MemorySegment data, long rowBytes, int row, float[] parted, int half, float[] y, int yAt) {
    long at = rowBytes * row;
    FloatVector even = FloatVector.zero(F);
    FloatVector odd = even;
    IntVector greatest = IntVector.zero(Lanes.I32);
    for (int i = 0; i < half; i += L) {
      IntVector pairs = pairs(data, at + 4L * i);
      IntVector a = Weights.finiteF16(pairs.lanewise(VectorOperators.LSHL, 16));
      IntVector b = Weights.finiteF16(pairs);
      greatest = greatest.max(a.and(0x7fffffff)).max(b.and(0x7fffffff));
      even = a.reinterpretAsFloats().fma(FloatVector.fromArray(F, parted, i), even);
      odd = b.reinterpretAsFloats().fma(FloatVector.fromArray(F, parted, half + i), odd);
    }
    y[yAt + row] = Lanes.sum(even.add(odd));
    return greatest.reduceLanes(VectorOperators.MAX) <= Weights.GREATEST_F16;
  }

  private static IntVector pairs(MemorySegment data, long at) {
    return IntVector.fromMemorySegment(Lanes.I32, data, at, ORDER);
  }

  private static FloatVector evenBf16(IntVector pairs) {
    return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static FloatVector oddBf16(IntVector pairs) {
    return pairs.and(0xffff0000).reinterpretAsFloats();
  }

  private static float one(Matrix w, int row, float[] x, int xAt) {
    MemorySegment data = w.data();
    DType dtype = w.dtype();
    int whole = w.columns() - w.columns() % L;
    long at = w.rowOffset(row);
    FloatVector s = FloatVector.zero(F);
    for (int i = 0; i < whole; i += L) {
      FloatVector v = FloatVector.fromArray(F, x, xAt + i);
      s =
          switch (dtype) {
            case F32 -> Weights.f32(data, at + 4L * i).fma(v, s);
            case F16 -> Weights.f16(data, at + 2L * i).fma(v, s);
            default -> Weights.bf16(data, at + 2L * i).fma(v, s);
          };
    }
    return Lanes.sum(s);
  }

  /** Adds the products of the columns that fill no vector. */
  private static void addTails(
      Matrix w, int fromRow, int toRow, int column, float[] x, int xAt, float[] y, int yAt) {
    if (column == w.columns()) {
      return;
    }
    int bytes = w.dtype().blockBytes();
    for (int row = fromRow; row < toRow; row++) {
      float sum = y[yAt + row];
      for (int i = column; i < w.columns(); i++) {
        float weight = Weights.scalar(w.dtype(), w.data(), w.rowOffset(row) + (long) i * bytes);
        sum = Math.fma(weight, x[xAt + i], sum);
      }
      y[yAt + row] = sum;
    }
  }
}
