package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** State memory on the device. */
final class TornadoBuffer implements Buffer {

  private final DeviceMemory memory;
  private final Shape shape;
  private @Nullable Region region;

  TornadoBuffer(DeviceMemory memory, DType dtype, Shape shape) {
    if (dtype != DType.F32) {
      throw new BackendException("The tornado backend keeps states in F32, not in " + dtype + ".");
    }
    this.memory = memory;
    this.shape = shape;
    Region taken = memory.take(HeapKind.FLOATS, shape.elements(), "A buffer of " + dtype + shape);
    region = taken;
    memory.launch(Kernel.CLEAR, taken.count(), taken.at());
  }

  /** Returns the memory that the buffer is a part of. */
  DeviceMemory memory() {
    return memory;
  }

  /** Returns where the first number lies in the heap of f32. */
  int at() {
    return open().at();
  }

  /** Checks that the memory has not been freed. */
  void requireOpen() {
    open();
  }

  @Override
  public DType dtype() {
    return DType.F32;
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public void copyRows(Buffer source, long rows) {
    if (!(source instanceof TornadoBuffer own) || own.memory != memory) {
      throw new IllegalArgumentException("The source was not allocated by this tornado backend");
    }
    synchronized (memory) {
      requireRows("copy", own.shape, rows);
      int size = (int) shape.last();
      int run = (int) rows * size;
      memory.launch(
          Kernel.COPY_RUNS,
          (int) shape.dim(0) * run,
          own.at(),
          at(),
          run,
          (int) own.shape.dim(1) * size,
          (int) shape.dim(1) * size);
    }
  }

  @Override
  public void read(Tensor target) {
    if (target.dtype() != DType.F32) {
      throw new IllegalArgumentException("A buffer is read into F32, not " + target);
    }
    long rows = target.shape().rank() == 3 ? target.shape().dim(1) : 0;
    synchronized (memory) {
      requireRows("read", target.shape(), rows);
      int size = (int) shape.last();
      int run = (int) rows * size;
      for (int head = 0; head < shape.dim(0); head++) {
        int from = at() + head * (int) shape.dim(1) * size;
        memory.loadFloats(from, target.data(), (long) head * run * Float.BYTES, run);
      }
    }
  }

  /** Checks that this buffer and another have the same heads and both that many rows of each. */
  private void requireRows(String action, Shape other, long rows) {
    boolean alike =
        shape.rank() == 3 && other.rank() == 3 && other.with(1, 1).equals(shape.with(1, 1));
    if (!alike || rows < 0 || rows > shape.dim(1) || rows > other.dim(1)) {
      throw new IllegalArgumentException(
          "Cannot "
              + action
              + " "
              + rows
              + " rows of each head between buffers of "
              + other
              + " and "
              + shape);
    }
  }

  @Override
  public void close() {
    Region taken = region;
    region = null;
    if (taken != null) {
      memory.release(taken);
    }
  }

  private Region open() {
    memory.requireOpen();
    Region taken = region;
    if (taken == null) {
      throw new IllegalStateException("The buffer of F32" + shape + " is closed");
    }
    return taken;
  }
}
