package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** State memory in one array. */
final class CpuBuffer implements Buffer {

  private final CpuBackend backend;
  private final Shape shape;
  private float @Nullable [] floats;

  CpuBuffer(CpuBackend backend, Shape shape) {
    this.backend = backend;
    this.shape = shape;
    this.floats = Memory.allocate(shape.elements(), "A buffer of " + shape);
  }

  @Override
  public Shape shape() {
    return shape;
  }

  @Override
  public void copyRows(Buffer source, long rows) {
    if (!(source instanceof CpuBuffer own)) {
      throw new IllegalArgumentException("The source was not allocated by the cpu backend");
    }
    int count = prefix("copy", own.shape, rows);
    System.arraycopy(own.floats(), 0, floats(), 0, count);
  }

  @Override
  public void read(Tensor target) {
    if (target.dtype() != DType.F32) {
      throw new IllegalArgumentException("A buffer is read into F32, not " + target);
    }
    long rows = target.shape().rank() == 0 ? 0 : target.shape().dim(0);
    int count = prefix("read", target.shape(), rows);
    MemorySegment.copy(floats(), 0, target.data(), Tensor.F32, 0, count);
  }

  /**
   * Returns the elements of the first rows, which this buffer and the other shape must both have.
   */
  private int prefix(String action, Shape other, long rows) {
    boolean alike =
        shape.rank() > 0
            && other.rank() == shape.rank()
            && other.with(0, 1).equals(shape.with(0, 1));
    if (!alike || rows < 0 || rows > shape.dim(0) || rows > other.dim(0)) {
      throw new IllegalArgumentException(
          "Cannot " + action + " " + rows + " rows between buffers of " + other + " and " + shape);
    }
    return (int) (rows * shape.with(0, 1).elements());
  }

  @Override
  public void close() {
    floats = null;
  }

  /** Returns the elements. */
  float[] floats() {
    backend.requireOpen();
    float[] array = floats;
    if (array == null) {
      throw new IllegalStateException("The buffer of " + shape + " is closed");
    }
    return array;
  }

  /** Checks that the memory has not been freed. */
  void requireOpen() {
    floats();
  }
}
