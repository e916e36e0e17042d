package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Reads stored weights, little-endian as checkpoints hold them, as f32. */
final class Weights {

  private static final VectorSpecies<Float> F = Lanes.F32;
  private static final VectorSpecies<Integer> I = Lanes.I32;
  private static final VectorSpecies<Short> S = Lanes.I16;
  private static final int L = Lanes.COUNT;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);

  /** The bits of the greatest finite f16 as an f32. */
  static final int GREATEST_F16 = Float.floatToRawIntBits(65504);

  private Weights() {}

  /**
   * Requires a type that these kernels read.
   *
   * @throws BackendException if it is neither f32, f16, bf16 nor block-quantised
   */
  static void check(DType dtype) {
    if (!dtype.isFloat() && !dtype.isQuantised()) {
      throw new BackendException(
          "Weights of type "
              + dtype
              + " are not supported by the "
              + VectorKernels.title()
              + " kernels; use F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K.");
    }
  }

  /** Returns the vector of f32 that begins at a byte offset. */
  static FloatVector f32(MemorySegment data, long at) {
    return FloatVector.fromMemorySegment(F, data, at, ORDER);
  }

  /** Returns the vector of bf16 that begins at a byte offset: the upper half of an f32 each. */
  static FloatVector bf16(MemorySegment data, long at) {
    return ((IntVector)
            ShortVector.fromMemorySegment(S, data, at, ORDER)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  /** Returns the vector of f16 that begins at a byte offset. */
  static FloatVector f16(MemorySegment data, long at) {
    return f16(
        ((IntVector)
                ShortVector.fromMemorySegment(S, data, at, ORDER)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0))
            .lanewise(VectorOperators.LSHL, 16));
  }

  /** Returns the f16 in the upper half of each int; the lower halves do not matter. */
  private static FloatVector f16(IntVector upper) {
    IntVector bits = finiteF16(upper);
    // All ones where the magnitude is too great; arithmetic, as masks are slow before AVX-512.
    IntVector special =
        IntVector.broadcast(I, GREATEST_F16)
            .sub(bits.and(0x7fffffff))
            .lanewise(VectorOperators.ASHR, 31);
    return bits.or(special.and(0x7f800000)).reinterpretAsFloats();
  }

  /**
   * Returns the bits of the f16 in the upper half of each int. Infinities and NaN come out greater
   * in magnitude than {@link #GREATEST_F16} and lack the exponent of those of f32.
   *
   * <p>Exponent and fraction are moved to where f32 has them and the smaller bias is made good by a
   * multiplication with 2¹¹², which is exact and normalises subnormals.
   */
  static IntVector finiteF16(IntVector upper) {
    return upper
        .lanewise(VectorOperators.ASHR, 3)
        .and(0x8fffe000)
        .reinterpretAsFloats()
        .mul(0x1p112f)
        .reinterpretAsInts();
  }

  /** Returns the element at a byte offset. */
  static float scalar(DType dtype, MemorySegment data, long at) {
    return switch (dtype) {
      case F32 -> data.get(FLOAT, at);
      case F16 -> Float.float16ToFloat(data.get(SHORT, at));
      default -> Float.intBitsToFloat(data.get(SHORT, at) << 16);
    };
  }

  /**
   * Writes {@code count} elements of a row, from a column on, to {@code y[yAt..]}: whole blocks of
   * a quantised row. Those after the last column are the next rows'.
   */
  static void read(Matrix w, int row, int column, int count, float[] y, int yAt) {
    MemorySegment data = w.data();
    DType dtype = w.dtype();
    if (dtype.isQuantised()) {
      long from = w.rowOffset(row) + dtype.bytes(column);
      VectorBlocks.decode(dtype, data, from, count / dtype.blockElements(), y, yAt);
      return;
    }
    int bytes = dtype.blockBytes();
    long at = w.rowOffset(row) + (long) column * bytes;
    int whole = count - count % L;
    // A method each: in one that loops over all types C2 may inline too little and box vectors.
    switch (dtype) {
      case F32 -> readF32(data, at, whole, y, yAt);
      case F16 -> readF16(data, at, whole, y, yAt);
      default -> readBf16(data, at, whole, y, yAt);
    }
    for (int i = whole; i < count; i++) {
      y[yAt + i] = scalar(dtype, data, at + (long) i * bytes);
    }
  }

  private static void readF32(MemorySegment data, long at, int whole, float[] y, int yAt) {
    for (int i = 0; i < whole; i += L) {
      f32(data, at + 4L * i).intoArray(y, yAt + i);
    }
  }

  private static void readF16(MemorySegment data, long at, int whole, float[] y, int yAt) {
    for (int i = 0; i < whole; i += L) {
      f16(data, at + 2L * i).intoArray(y, yAt + i);
    }
  }

  private static void readBf16(MemorySegment data, long at, int whole, float[] y, int yAt) {
    for (int i = 0; i < whole; i += L) {
      bf16(data, at + 2L * i).intoArray(y, yAt + i);
    }
  }

  /**
   * Writes {@code count} elements of each row, from a column on, to {@code y[yAt + row · step..]}.
   */
  static void readColumns(Matrix w, int column, int count, float[] y, int yAt, int step) {
    MemorySegment data = w.data();
    DType dtype = w.dtype();
    if (dtype.isQuantised()) {
      readBlockColumns(w, column, count, y, yAt, step);
      return;
    }
    int bytes = dtype.blockBytes();
    long rowBytes = w.rowOffset(1);
    long first = (long) column * bytes;
    int rows = w.rows();
    int whole = count - count % L;
    // The type is asked for once and not for each of rows that may be as short as a vector.
    for (int i = 0; i < whole; i += L) {
      long at = first + (long) i * bytes;
      switch (dtype) {
        case F32 -> {
          for (int row = 0; row < rows; row++) {
            f32(data, at + row * rowBytes).intoArray(y, yAt + row * step + i);
          }
        }
        case F16 -> {
          for (int row = 0; row < rows; row++) {
            f16(data, at + row * rowBytes).intoArray(y, yAt + row * step + i);
          }
        }
        default -> {
          for (int row = 0; row < rows; row++) {
            bf16(data, at + row * rowBytes).intoArray(y, yAt + row * step + i);
          }
        }
      }
    }
    for (int row = 0; row < rows && whole < count; row++) {
      for (int i = whole; i < count; i++) {
        long at = first + row * rowBytes + (long) i * bytes;
        y[yAt + row * step + i] = scalar(dtype, data, at);
      }
    }
  }

  /** Columns may begin inside a block, so numbers are decoded one by one. */
  private static void readBlockColumns(
      Matrix w, int column, int count, float[] y, int yAt, int step) {
    DType dtype = w.dtype();
    BlockCodec codec = BlockCodec.of(dtype);
    int size = dtype.blockElements();
    for (int row = 0; row < w.rows(); row++) {
      for (int i = 0; i < count; i++) {
        int block = (column + i) / size;
        long at = w.rowOffset(row) + (long) block * dtype.blockBytes();
        y[yAt + row * step + i] = codec.decode(w.data(), at, (column + i) % size);
      }
    }
  }

  /** Adds {@code scale} times a row to {@code y[yAt..]}. */
  static void addScaled(Matrix w, int row, float scale, float[] y, int yAt) {
    MemorySegment data = w.data();
    DType dtype = w.dtype();
    if (dtype.isQuantised()) {
      BlockCodec codec = BlockCodec.of(dtype);
      int size = dtype.blockElements();
      for (int i = 0; i < w.columns(); i++) {
        long block = w.rowOffset(row) + (long) (i / size) * dtype.blockBytes();
        y[yAt + i] = Math.fma(scale, codec.decode(data, block, i % size), y[yAt + i]);
      }
      return;
    }
    // In plain loops, which are quick before they are compiled and which C2 makes vectors of.
    switch (dtype) {
      case F32 -> addScaledF32(data, w.rowOffset(row), scale, w.columns(), y, yAt);
      case F16 -> addScaledF16(data, w.rowOffset(row), scale, w.columns(), y, yAt);
      default -> addScaledBf16(data, w.rowOffset(row), scale, w.columns(), y, yAt);
    }
  }

  private static void addScaledF32(
      MemorySegment data, long at, float scale, int count, float[] y, int yAt) {
    for (int i = 0; i < count; i++) {
      y[yAt + i] = Math.fma(scale, data.get(FLOAT, at + 4L * i), y[yAt + i]);
    }
  }

  private static void addScaledF16(
      MemorySegment data, long at, float scale, int count, float[] y, int yAt) {
    for (int i = 0; i < count; i++) {
      float weight = Float.float16ToFloat(data.get(SHORT, at + 2L * i));
      y[yAt + i] = Math.fma(scale, weight, y[yAt + i]);
    }
  }

  private static void addScaledBf16(
      MemorySegment data, long at, float scale, int count, float[] y, int yAt) {
    for (int i = 0; i < count; i++) {
      float weight = Float.intBitsToFloat(data.get(SHORT, at + 2L * i) << 16);
      y[yAt + i] = Math.fma(scale, weight, y[yAt + i]);
    }
  }
}
