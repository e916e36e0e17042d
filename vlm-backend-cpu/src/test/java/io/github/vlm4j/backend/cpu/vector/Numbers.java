package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Random inputs and their values as doubles. */
final class Numbers {

  private final Random random;

  Numbers(long seed) {
    this.random = new Random(seed);
  }

  /** Returns values from -1 to 1. */
  float[] floats(int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = 2 * random.nextFloat() - 1;
    }
    return x;
  }

  /** Returns a matrix of values from -1 to 1, at an odd element offset of its segment. */
  Matrix matrix(DType dtype, int rows, int columns) {
    int bytes = dtype.blockBytes();
    long size = (long) rows * columns * bytes;
    MemorySegment data = Arena.ofAuto().allocate(size + bytes, 64).asSlice(bytes, size);
    for (long i = 0; i < (long) rows * columns; i++) {
      float value = 2 * random.nextFloat() - 1;
      switch (dtype) {
        case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i, value);
        case F16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, Float.floatToFloat16(value));
        default ->
            data.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                2 * i,
                (short) (Float.floatToIntBits(value) >> 16));
      }
    }
    return new Matrix(dtype, data, rows, columns);
  }

  /** Returns a block-quantised matrix of values from -1 to 1. */
  Matrix blocks(DType dtype, int rows, int columns) {
    MemorySegment data = Arena.ofAuto().allocate(dtype.bytes((long) rows * columns), 64);
    int blocks = rows * columns / dtype.blockElements();
    BlockCodec.of(dtype).encode(floats(rows * columns), 0, blocks, data, 0);
    return new Matrix(dtype, data, rows, columns);
  }

  /** Returns an element of a matrix. */
  static double at(Matrix w, int row, int column) {
    long i = (long) row * w.columns() + column;
    return switch (w.dtype()) {
      case F32 -> w.data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * i);
      case F16 -> Float.float16ToFloat(w.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i));
      default -> Float.intBitsToFloat(w.data().get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i) << 16);
    };
  }

  /** Returns the distance of a float to the exact value in units of the float's last place. */
  static double ulps(float actual, double exact) {
    return Math.abs(actual - exact) / Math.ulp((float) exact);
  }
}
