package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Weighted sums of a matrix's rows, bound by how fast these arrive from memory: four at a time, so
 * that the sum is loaded and stored a quarter as often. Rows are added in their order, whatever
 * range of them a call is given.
 */
final class VectorRowSums {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  private VectorRowSums() {}

  static void add(Matrix w, int fromRow, int toRow, float[] x, int xAt, float[] y, int yAt) {
    MemorySegment data = w.data();
    int whole = w.columns() - w.columns() % L;
    long rowBytes = w.rowOffset(1);
    int row = fromRow;
    // Quantised matrices are not stored the other way round but for a test.
    for (; row + 4 <= toRow && !w.dtype().isQuantised(); row += 4) {
      long at = w.rowOffset(row);
      switch (w.dtype()) {
        case F32 -> fourF32(data, at, rowBytes, x, xAt + row, y, yAt, whole);
        case F16 -> {
          // With four, C2 meets its limit on nodes and boxes every vector.
          twoF16(data, at, rowBytes, x, xAt + row, y, yAt, whole);
          twoF16(data, at + 2 * rowBytes, rowBytes, x, xAt + row + 2, y, yAt, whole);
        }
        default -> fourBf16(data, at, rowBytes, x, xAt + row, y, yAt, whole);
      }
    }
    addTails(w, fromRow, row, whole, x, xAt, y, yAt);
    for (; row < toRow; row++) {
      Weights.addScaled(w, row, x[xAt + row], y, yAt);
    }
  }

  private static void fourF32(
      MemorySegment data, long r0, long rowBytes, float[] x, int xAt, float[] y, int yAt, int n) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
    FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
    long r1 = r0 + rowBytes;
    long r2 = r1 + rowBytes;
    long r3 = r2 + rowBytes;
    for (int i = 0; i < n; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, yAt + i);
      s = Weights.f32(data, r0 + 4L * i).fma(x0, s);
      s = Weights.f32(data, r1 + 4L * i).fma(x1, s);
      s = Weights.f32(data, r2 + 4L * i).fma(x2, s);
      s = Weights.f32(data, r3 + 4L * i).fma(x3, s);
      s.intoArray(y, yAt + i);
    }
  }

  private static void fourBf16(
      MemorySegment data, long r0, long rowBytes, float[] x, int xAt, float[] y, int yAt, int n) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
    FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
    long r1 = r0 + rowBytes;
    long r2 = r1 + rowBytes;
    long r3 = r2 + rowBytes;
    for (int i = 0; i < n; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, yAt + i);
      s = Weights.bf16(data, r0 + 2L * i).fma(x0, s);
      s = Weights.bf16(data, r1 + 2L * i).fma(x1, s);
      s = Weights.bf16(data, r2 + 2L * i).fma(x2, s);
      s = Weights.bf16(data, r3 + 2L * i).fma(x3, s);
      s.intoArray(y, yAt + i);
    }
  }

  private static void twoF16(
      MemorySegment data, long r0, long rowBytes, float[] x, int xAt, float[] y, int yAt, int n) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    long r1 = r0 + rowBytes;
    for (int i = 0; i < n; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, yAt + i);
      s = Weights.f16(data, r0 + 2L * i).fma(x0, s);
      s = Weights.f16(data, r1 + 2L * i).fma(x1, s);
      s.intoArray(y, yAt + i);
    }
  }

  /** Adds the columns that fill no vector. */
  private static void addTails(
      Matrix w, int fromRow, int toRow, int column, float[] x, int xAt, float[] y, int yAt) {
    int bytes = w.dtype().blockBytes();
    for (int row = fromRow; row < toRow && column < w.columns(); row++) {
      for (int i = column; i < w.columns(); i++) {
        float weight = Weights.scalar(w.dtype(), w.data(), w.rowOffset(row) + (long) i * bytes);
        y[yAt + i] = Math.fma(weight, x[xAt + row], y[yAt + i]);
      }
    }
  }
}
