package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vector times matrix, bound by how fast weights arrive from memory: the rows of the matrix, each
 * times an input, are added to the result, four of them at a time, so that the result is loaded and
 * stored a quarter as often.
 */
final class VectorVecMat {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final int L = Lanes.COUNT;

  private VectorVecMat() {}

  static void multiply(
      Matrix w, int fromColumn, int toColumn, float[] x, int xAt, float[] y, int yAt) {
    MemorySegment data = w.data();
    int bytes = w.dtype().blockBytes();
    int columns = toColumn - fromColumn;
    int whole = columns - columns % L;
    int to = yAt + fromColumn;
    long rowBytes = w.rowOffset(1);
    Arrays.fill(y, to, to + columns, 0);
    int row = 0;
    for (; row + 4 <= w.rows(); row += 4) {
      long at = rowBytes * row + (long) fromColumn * bytes;
      switch (w.dtype()) {
        case F32 -> fourF32(data, at, rowBytes, x, xAt + row, y, to, whole);
        case F16 -> fourF16(data, at, rowBytes, x, xAt + row, y, to, whole);
        default -> fourBf16(data, at, rowBytes, x, xAt + row, y, to, whole);
      }
      addTails(w, row, row + 4, fromColumn + whole, toColumn, x, xAt, y, yAt);
    }
    for (; row < w.rows(); row++) {
      long at = rowBytes * row + (long) fromColumn * bytes;
      one(w, at, x[xAt + row], y, to, whole);
      addTails(w, row, row + 1, fromColumn + whole, toColumn, x, xAt, y, yAt);
    }
  }

  private static void fourF32(
      MemorySegment data,
      long r0,
      long rowBytes,
      float[] x,
      int xAt,
      float[] y,
      int to,
      int whole) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
    FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
    long r1 = r0 + rowBytes;
    long r2 = r1 + rowBytes;
    long r3 = r2 + rowBytes;
    for (int i = 0; i < whole; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, to + i);
      s = Weights.f32(data, r0 + 4L * i).fma(x0, s);
      s = Weights.f32(data, r1 + 4L * i).fma(x1, s);
      s = Weights.f32(data, r2 + 4L * i).fma(x2, s);
      s = Weights.f32(data, r3 + 4L * i).fma(x3, s);
      s.intoArray(y, to + i);
    }
  }

  private static void fourBf16(
      MemorySegment data,
      long r0,
      long rowBytes,
      float[] x,
      int xAt,
      float[] y,
      int to,
      int whole) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    FloatVector x2 = FloatVector.broadcast(F, x[xAt + 2]);
    FloatVector x3 = FloatVector.broadcast(F, x[xAt + 3]);
    long r1 = r0 + rowBytes;
    long r2 = r1 + rowBytes;
    long r3 = r2 + rowBytes;
    for (int i = 0; i < whole; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, to + i);
      s = Weights.bf16(data, r0 + 2L * i).fma(x0, s);
      s = Weights.bf16(data, r1 + 2L * i).fma(x1, s);
      s = Weights.bf16(data, r2 + 2L * i).fma(x2, s);
      s = Weights.bf16(data, r3 + 2L * i).fma(x3, s);
      s.intoArray(y, to + i);
    }
  }

  private static void fourF16(
      MemorySegment data,
      long r0,
      long rowBytes,
      float[] x,
      int xAt,
      float[] y,
      int to,
      int whole) {
    twoF16(data, r0, rowBytes, x, xAt, y, to, whole);
    twoF16(data, r0 + 2 * rowBytes, rowBytes, x, xAt + 2, y, to, whole);
  }

  private static void twoF16(
      MemorySegment data,
      long r0,
      long rowBytes,
      float[] x,
      int xAt,
      float[] y,
      int to,
      int whole) {
    FloatVector x0 = FloatVector.broadcast(F, x[xAt]);
    FloatVector x1 = FloatVector.broadcast(F, x[xAt + 1]);
    long r1 = r0 + rowBytes;
    for (int i = 0; i < whole; i += L) {
      FloatVector s = FloatVector.fromArray(F, y, to + i);
      s = Weights.f16(data, r0 + 2L * i).fma(x0, s);
      s = Weights.f16(data, r1 + 2L * i).fma(x1, s);
      s.intoArray(y, to + i);
    }
  }

  private static void one(Matrix w, long at, float x, float[] y, int to, int whole) {
    FloatVector factor = FloatVector.broadcast(F, x);
    for (int i = 0; i < whole; i += L) {
      FloatVector weights =
          switch (w.dtype()) {
            case F32 -> Weights.f32(w.data(), at + 4L * i);
            case F16 -> Weights.f16(w.data(), at + 2L * i);
            default -> Weights.bf16(w.data(), at + 2L * i);
          };
      weights.fma(factor, FloatVector.fromArray(F, y, to + i)).intoArray(y, to + i);
    }
  }

  /** Adds the products of the columns that fill no vector. */
  private static void addTails(
      Matrix w,
      int fromRow,
      int toRow,
      int fromColumn,
      int toColumn,
      float[] x,
      int xAt,
      float[] y,
      int yAt) {
    int bytes = w.dtype().blockBytes();
    for (int row = fromRow; row < toRow; row++) {
      for (int i = fromColumn; i < toColumn; i++) {
        float weight = Weights.scalar(w.dtype(), w.data(), w.rowOffset(row) + (long) i * bytes);
        y[yAt + i] = Math.fma(weight, x[xAt + row], y[yAt + i]);
      }
    }
  }
}
