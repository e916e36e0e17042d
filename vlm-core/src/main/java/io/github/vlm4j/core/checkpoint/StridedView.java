package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.PickleValue.Strided;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A tensor of a PyTorch file, held against the entry of the archive in which its elements lie.
 *
 * @param entry the storage's bytes in the file
 * @param begin the tensor's first byte, counted from the beginning of the storage
 * @param strides in elements, one for each dimension
 */
record StridedView(
    StoredType type, Shape shape, ZipDirectory.Entry entry, long begin, long[] strides) {

  /**
   * Validates a tensor.
   *
   * @param file the name for error messages
   * @param name the tensor's name, for error messages
   * @throws CheckpointException if the storage does not have the size that the pickle says, or an
   *     element lies outside it
   */
  static StridedView of(String file, String name, Strided tensor, ZipDirectory.Entry entry) {
    String subject = SafetensorsHeader.tensor(file, name);
    if (!entry.isStored()) {
      throw new CheckpointException(
          subject
              + " lies in the compressed entry "
              + Excerpt.quoted(entry.name())
              + ", which cannot be mapped; load and save the file in Python with torch, or unpack"
              + " it and pack it again without compression");
    }
    try {
      long storageBytes =
          Math.multiplyExact(tensor.storage().elements(), bytes(tensor.storage().type()));
      if (storageBytes > entry.size() || entry.size() - storageBytes >= bytes(tensor.type())) {
        throw new CheckpointException(
            subject
                + " has a storage of "
                + storageBytes
                + " bytes, but entry "
                + Excerpt.quoted(entry.name())
                + " has "
                + entry.size()
                + "; the file is damaged");
      }
      Shape shape = Shape.of(tensor.dims());
      long itemBytes = bytes(tensor.type());
      long end = shape.elements() == 0 ? 0 : Math.addExact(1, lastElement(tensor));
      if (Math.multiplyExact(end, itemBytes) > storageBytes) {
        throw new CheckpointException(
            subject
                + " of shape "
                + shape
                + " with offset "
                + tensor.offset()
                + " and strides "
                + Arrays.toString(tensor.strides())
                + " reaches element "
                + (end - 1)
                + " of a storage of "
                + storageBytes / itemBytes
                + "; the file is damaged");
      }
      Math.multiplyExact(shape.elements(), itemBytes);
      long begin = shape.elements() == 0 ? 0 : Math.multiplyExact(tensor.offset(), itemBytes);
      return new StridedView(tensor.type(), shape, entry, begin, tensor.strides());
    } catch (ArithmeticException e) {
      throw new CheckpointException(
          subject
              + " of shape "
              + Arrays.toString(tensor.dims())
              + " with offset "
              + tensor.offset()
              + " and strides "
              + Arrays.toString(tensor.strides())
              + " has more elements than can be counted",
          e);
    }
  }

  /** Returns type and shape, as {@code BF16[2048, 6144]}. */
  String describe() {
    return type + shape.toString();
  }

  /** Returns the bytes that the elements take once each. */
  long bytes() {
    return shape.elements() * bytes(type);
  }

  /** Returns whether the elements lie one after the other, in row-major order. */
  boolean isContiguous() {
    long expected = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dim(axis) != 1 && strides[axis] != expected && shape.elements() > 0) {
        return false;
      }
      expected *= shape.dim(axis);
    }
    return true;
  }

  /**
   * Copies the elements in row-major order.
   *
   * @param file the whole file, mapped
   * @param target as many bytes as {@link #bytes}
   */
  void copy(MemorySegment file, MemorySegment target) {
    long itemBytes = bytes(type);
    MemorySegment source = file.asSlice(entry.offset(), entry.size());
    int rank = shape.rank();
    long[] index = new long[rank];
    long row = shape.last();
    long step = rank == 0 ? 0 : strides[rank - 1] * itemBytes;
    long from = begin;
    for (long to = 0; to < target.byteSize(); to += row * itemBytes) {
      copyRow(source, from, step, target, to, row);
      for (int axis = rank - 2; axis >= 0; axis--) {
        from += strides[axis] * itemBytes;
        if (++index[axis] < shape.dim(axis)) {
          break;
        }
        from -= index[axis] * strides[axis] * itemBytes;
        index[axis] = 0;
      }
    }
  }

  private void copyRow(
      MemorySegment source, long from, long step, MemorySegment target, long to, long count) {
    for (long i = 0; i < count; i++) {
      switch (type.bits()) {
        case 8 ->
            target.set(
                ValueLayout.JAVA_BYTE, to + i, source.get(ValueLayout.JAVA_BYTE, from + i * step));
        case 16 ->
            target.set(Tensor.BITS16, to + 2 * i, source.get(Tensor.BITS16, from + i * step));
        case 32 -> target.set(Tensor.I32, to + 4 * i, source.get(Tensor.I32, from + i * step));
        default -> target.set(Tensor.I64, to + 8 * i, source.get(Tensor.I64, from + i * step));
      }
    }
  }

  private static long lastElement(Strided tensor) {
    long last = tensor.offset();
    for (int axis = 0; axis < tensor.dims().length; axis++) {
      last =
          Math.addExact(last, Math.multiplyExact(tensor.dims()[axis] - 1, tensor.strides()[axis]));
    }
    return last;
  }

  private static long bytes(StoredType type) {
    return type.bits() / 8;
  }
}
