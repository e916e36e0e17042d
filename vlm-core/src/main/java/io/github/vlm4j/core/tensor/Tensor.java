package io.github.vlm4j.core.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A contiguous, row-major view of memory with an element type and a shape. It owns nothing: the
 * memory belongs to the arena, the mapped file or the array behind the segment. Elements are
 * little-endian, as in every checkpoint format that is read here, and need not be aligned.
 */
public final class Tensor {

  /** Little-endian f32 at any address. */
  public static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Little-endian 16-bit pattern at any address: f16 and bf16. */
  public static final ValueLayout.OfShort BITS16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Little-endian i32 at any address. */
  public static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Little-endian i64 at any address. */
  public static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final DType dtype;
  private final Shape shape;
  private final MemorySegment data;

  private Tensor(DType dtype, Shape shape, MemorySegment data) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
  }

  /**
   * Returns a view of a segment.
   *
   * @param dtype the element type
   * @param shape the extents
   * @param data exactly the bytes of the elements
   * @throws IllegalArgumentException if the segment's size is not that of the elements
   */
  public static Tensor of(DType dtype, Shape shape, MemorySegment data) {
    long expected = byteSize(dtype, shape);
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          "A "
              + dtype
              + " tensor of "
              + shape
              + " takes "
              + expected
              + " bytes, not "
              + data.byteSize());
    }
    return new Tensor(dtype, shape, data);
  }

  /** Returns an f32 view of an array; writes through either are seen by the other. */
  public static Tensor ofFloats(float[] values, long... dims) {
    return of(DType.F32, Shape.of(dims), MemorySegment.ofArray(values));
  }

  /** Returns a bf16 tensor of its own, each value {@link #roundedToBf16(float) rounded}. */
  public static Tensor roundedToBf16(float[] values, long... dims) {
    short[] rounded = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = roundedToBf16(values[i]);
    }
    return of(DType.BF16, Shape.of(dims), MemorySegment.ofArray(rounded));
  }

  /** Returns the bits of the nearest bf16, ties to even; NaN stays NaN. */
  public static short roundedToBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    // What is added below could make a NaN an infinity or a zero.
    return Float.isNaN(value)
        ? (short) (bits >>> 16 | 0x40)
        : (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Returns an i32 view of an array; writes through either are seen by the other. */
  public static Tensor ofInts(int[] values, long... dims) {
    return of(DType.I32, Shape.of(dims), MemorySegment.ofArray(values));
  }

  /** Returns a zeroed tensor in memory of the given arena, aligned to a cache line. */
  public static Tensor allocate(DType dtype, Shape shape, Arena arena) {
    return new Tensor(dtype, shape, arena.allocate(byteSize(dtype, shape), 64));
  }

  /**
   * Returns the bytes that a tensor takes.
   *
   * @throws IllegalArgumentException if a row is not a whole number of blocks
   */
  public static long byteSize(DType dtype, Shape shape) {
    if (shape.last() % dtype.blockElements() != 0) {
      throw new IllegalArgumentException(
          "Rows of "
              + shape
              + " are not a whole number of "
              + dtype
              + " blocks of "
              + dtype.blockElements());
    }
    return dtype.bytes(shape.elements());
  }

  /** Returns the element type. */
  public DType dtype() {
    return dtype;
  }

  /** Returns the extents. */
  public Shape shape() {
    return shape;
  }

  /** Returns the memory, exactly the elements' bytes. */
  public MemorySegment data() {
    return data;
  }

  /**
   * Returns the same elements under another shape.
   *
   * @throws IllegalArgumentException if the number of elements differs
   */
  public Tensor reshape(long... dims) {
    Shape other = Shape.of(dims);
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException(shape + " cannot be viewed as " + other);
    }
    return of(dtype, other, data);
  }

  /**
   * Returns a view of a range of the outermost dimension.
   *
   * @param from the first index
   * @param to one past the last index
   * @throws IndexOutOfBoundsException if the range is not inside the dimension
   */
  public Tensor rows(long from, long to) {
    long count = shape.dim(0);
    if (from < 0 || to < from || to > count) {
      throw new IndexOutOfBoundsException("Rows " + from + " to " + to + " of " + shape);
    }
    long rowBytes = count == 0 ? 0 : data.byteSize() / count;
    return new Tensor(
        dtype, shape.with(0, to - from), data.asSlice(from * rowBytes, (to - from) * rowBytes));
  }

  /**
   * Returns one element of a float tensor.
   *
   * @param index the element's position in row-major order
   * @throws UnsupportedOperationException if the type is not f32, f16 or bf16
   */
  public float getFloat(long index) {
    return switch (dtype) {
      case F32 -> data.get(F32, index * 4);
      case F16 -> Float.float16ToFloat(data.get(BITS16, index * 2));
      case BF16 -> Float.intBitsToFloat(data.get(BITS16, index * 2) << 16);
      default -> throw new UnsupportedOperationException("Elements of " + dtype + " are no floats");
    };
  }

  /** Returns one element of an i32 tensor. */
  public int getInt(long index) {
    requireType(DType.I32);
    return data.get(I32, index * 4);
  }

  /** Sets one element of an f32 tensor. */
  public void setFloat(long index, float value) {
    requireType(DType.F32);
    data.set(F32, index * 4, value);
  }

  /** Sets one element of an i32 tensor. */
  public void setInt(long index, int value) {
    requireType(DType.I32);
    data.set(I32, index * 4, value);
  }

  /**
   * Returns the elements of a float tensor as a new f32 array.
   *
   * @throws ArithmeticException if there are more elements than an array holds
   */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(shape.elements())];
    if (dtype == DType.F32) {
      MemorySegment.copy(data, F32, 0, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = getFloat(i);
      }
    }
    return values;
  }

  /** Returns the elements of an i32 tensor as a new array. */
  public int[] toInts() {
    requireType(DType.I32);
    int[] values = new int[Math.toIntExact(shape.elements())];
    MemorySegment.copy(data, I32, 0, values, 0, values.length);
    return values;
  }

  /**
   * Copies all elements of another tensor of the same type and number of elements into this one.
   *
   * @throws IllegalArgumentException if type or number differ
   */
  public void copyFrom(Tensor source) {
    if (source.dtype != dtype || source.shape.elements() != shape.elements()) {
      throw new IllegalArgumentException("Cannot copy " + source + " into " + this);
    }
    MemorySegment.copy(source.data, 0, data, 0, data.byteSize());
  }

  private void requireType(DType expected) {
    if (dtype != expected) {
      throw new UnsupportedOperationException("A " + dtype + " tensor is not " + expected);
    }
  }

  /** Returns type and shape, as {@code BF16[2048, 6144]}. */
  @Override
  public String toString() {
    return dtype + "" + shape;
  }
}
