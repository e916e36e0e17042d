package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.kernels.CacheKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** State memory on the device; of Q8_0 the bytes and, in the heap of f32, the scales. */
final class TornadoBuffer implements Buffer {

  private final DeviceMemory memory;
  private final PowersOfTwo powers;
  private final DType dtype;
  private final Shape shape;
  private @Nullable Region numbers;
  private @Nullable Region scales;

  TornadoBuffer(DeviceMemory memory, PowersOfTwo powers, DType dtype, Shape shape) {
    this.memory = memory;
    this.powers = powers;
    this.dtype = dtype;
    this.shape = shape;
    String what = "A buffer of " + dtype + shape;
    HeapKind kind =
        switch (dtype) {
          case F32 -> HeapKind.FLOATS;
          case F16, BF16 -> HeapKind.SHORTS;
          case Q8_0 -> HeapKind.BYTES;
          default ->
              throw new BackendException(
                  "The tornado backend keeps states in F32, F16, BF16 and Q8_0, not in "
                      + dtype
                      + ".");
        };
    synchronized (memory.monitor()) {
      numbers = cleared(kind, shape.elements(), what);
      if (dtype == DType.Q8_0) {
        scales = cleared(HeapKind.FLOATS, shape.elements() / CacheKernels.BLOCK, what);
      }
    }
  }

  private Region cleared(HeapKind kind, long count, String what) {
    Region region = memory.take(kind, count, what);
    memory.launch(
        switch (kind) {
          case SHORTS -> Kernel.CLEAR_SHORTS;
          case BYTES -> Kernel.CLEAR_BYTES;
          default -> Kernel.CLEAR;
        },
        region.count(),
        region.at());
    return region;
  }

  /** Returns the memory that the buffer is a part of. */
  DeviceMemory memory() {
    return memory;
  }

  /** Returns where the first number lies in the heap of its type. */
  int at() {
    memory.requireOpen();
    Region taken = numbers;
    if (taken == null) {
      throw new IllegalStateException("The buffer of " + dtype + shape + " is closed");
    }
    return taken.at();
  }

  /** Returns where the scales begin; 0 if there are none. */
  int scalesAt() {
    Region taken = scales;
    return taken == null ? 0 : taken.at();
  }

  /** Checks that the memory has not been freed. */
  void requireOpen() {
    at();
  }

  @Override
  public DType dtype() {
    return dtype;
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
    synchronized (memory.monitor()) {
      requireRows("copy", own.dtype, own.shape, rows);
      int size = (int) shape.last();
      switch (dtype) {
        case F32 -> copy(Kernel.COPY_RUNS, own, own.at(), at(), (int) rows, size);
        case Q8_0 -> {
          copy(Kernel.COPY_BYTES, own, own.at(), at(), (int) rows, size);
          int blocks = size / CacheKernels.BLOCK;
          copy(Kernel.COPY_RUNS, own, own.scalesAt(), scalesAt(), (int) rows, blocks);
        }
        default -> copy(Kernel.COPY_SHORTS, own, own.at(), at(), (int) rows, size);
      }
    }
  }

  private void copy(Kernel kernel, TornadoBuffer source, int from, int to, int rows, int size) {
    int run = rows * size;
    memory.launch(
        kernel,
        (int) shape.dim(0) * run,
        from,
        to,
        run,
        (int) source.shape.dim(1) * size,
        (int) shape.dim(1) * size);
  }

  @Override
  public void read(Tensor target) {
    if (target.dtype() != DType.F32) {
      throw new IllegalArgumentException("A buffer is read into F32, not " + target);
    }
    long rows = target.shape().rank() == 3 ? target.shape().dim(1) : 0;
    synchronized (memory.monitor()) {
      requireRows("read", dtype, target.shape(), rows);
      int size = (int) shape.last();
      int run = (int) rows * size;
      for (int head = 0; head < shape.dim(0); head++) {
        int from = head * (int) shape.dim(1) * size;
        long to = (long) head * run * Float.BYTES;
        if (dtype == DType.F32) {
          memory.loadFloats(at() + from, target.data(), to, run);
        } else {
          readStored(from, run, target, to);
        }
      }
    }
  }

  private void readStored(int from, int count, Tensor target, long to) {
    Region decoded = memory.take(HeapKind.FLOATS, count, "Reading a buffer of " + dtype + shape);
    try {
      memory.launch(
          Kernel.READ_STORED,
          count,
          at(),
          scalesAt(),
          from,
          decoded.at(),
          powers.at(dtype),
          PowersOfTwo.mantissas(dtype));
      memory.loadFloats(decoded.at(), target.data(), to, count);
    } finally {
      memory.release(decoded);
    }
  }

  /** Checks that this buffer and another have the same heads and both that many rows of each. */
  private void requireRows(String action, DType type, Shape other, long rows) {
    boolean alike =
        type == dtype
            && shape.rank() == 3
            && other.rank() == 3
            && other.with(1, 1).equals(shape.with(1, 1));
    if (!alike || rows < 0 || rows > shape.dim(1) || rows > other.dim(1)) {
      throw new IllegalArgumentException(
          "Cannot "
              + action
              + " "
              + rows
              + " rows of each head between buffers of "
              + type
              + other
              + " and "
              + dtype
              + shape);
    }
  }

  @Override
  public void close() {
    synchronized (memory.monitor()) {
      if (numbers != null) {
        memory.release(numbers);
        numbers = null;
      }
      if (scales != null) {
        memory.release(scales);
        scales = null;
      }
    }
  }
}
