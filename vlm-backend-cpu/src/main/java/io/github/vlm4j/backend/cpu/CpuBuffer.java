package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.quant.BlockCodec;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.lang.ref.Cleaner.Cleanable;
import org.jspecify.annotations.Nullable;

/**
 * State memory: f32 in one array, other types as the rows of a matrix outside the Java heap, which
 * are freed when the buffer is closed, or else when nobody refers to it any more.
 */
final class CpuBuffer implements Buffer {

  private static final int CACHE_LINE = 64;

  /** The collector does not see how much memory outside the heap waits for it. */
  private static final Cleaner CLEANER = Cleaner.create();

  private final CpuBackend backend;
  private final DType dtype;
  private final Shape shape;
  private float @Nullable [] floats;
  private @Nullable Matrix rows;
  private final Cleanable memory;

  CpuBuffer(CpuBackend backend, DType dtype, Shape shape) {
    this.backend = backend;
    this.dtype = dtype;
    this.shape = shape;
    String what = "A buffer of " + dtype + shape;
    if (dtype == DType.F32) {
      this.floats = Memory.allocate(shape.elements(), what);
      this.memory = () -> {};
    } else {
      Arena arena = Arena.ofShared();
      this.memory = CLEANER.register(this, arena::close);
      this.floats = new float[0];
      this.rows = allocate(arena, dtype, shape, what);
    }
  }

  private static Matrix allocate(Arena arena, DType dtype, Shape shape, String what) {
    if (!StoredRows.knows(dtype)) {
      throw new BackendException(
          "The cpu backend keeps states in F32, F16, BF16 and Q8_0, not in " + dtype + ".");
    }
    Memory.requireOneArray(shape.elements(), what);
    int columns = (int) shape.last();
    int rows = (int) (shape.elements() / Math.max(1, columns));
    try {
      MemorySegment data = arena.allocate(dtype.bytes(columns) * rows, CACHE_LINE);
      return new Matrix(dtype, data, rows, columns);
    } catch (OutOfMemoryError e) {
      throw new BackendException(what + " does not fit into memory; use a shorter context.", e);
    }
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
    if (!(source instanceof CpuBuffer own)) {
      throw new IllegalArgumentException("The source was not allocated by the cpu backend");
    }
    requireOpen();
    own.requireOpen();
    requireRows("copy", own.dtype, own.shape, rows);
    for (int head = 0; head < shape.dim(0); head++) {
      int from = (int) (head * own.shape.dim(1));
      int to = (int) (head * shape.dim(1));
      if (dtype == DType.F32) {
        int size = (int) shape.last();
        System.arraycopy(own.floats(), from * size, floats(), to * size, (int) rows * size);
      } else {
        Matrix a = own.openRows();
        Matrix b = openRows();
        MemorySegment.copy(
            a.data(), a.rowOffset(from), b.data(), b.rowOffset(to), b.rowOffset((int) rows));
      }
    }
  }

  @Override
  public void read(Tensor target) {
    requireOpen();
    long count = target.shape().rank() == 3 ? target.shape().dim(1) : 0;
    requireRows("read", dtype, target.shape(), count);
    if (target.dtype() != DType.F32) {
      throw new IllegalArgumentException("A buffer is read into F32, not " + target);
    }
    int size = (int) shape.last();
    float[] decoded = new float[(int) count * size];
    for (int head = 0; head < shape.dim(0); head++) {
      int from = (int) (head * shape.dim(1));
      if (dtype == DType.F32) {
        System.arraycopy(floats(), from * size, decoded, 0, decoded.length);
      } else {
        decode(openRows(), from, decoded);
      }
      long to = (long) head * decoded.length * Float.BYTES;
      MemorySegment.copy(decoded, 0, target.data(), Tensor.F32, to, decoded.length);
    }
  }

  private static void decode(Matrix rows, int row, float[] y) {
    long at = rows.rowOffset(row);
    if (rows.dtype().isQuantised()) {
      int blocks = y.length / rows.dtype().blockElements();
      BlockCodec.of(rows.dtype()).decode(rows.data(), at, blocks, y, 0);
    } else {
      MemorySegment part = rows.data().asSlice(at, rows.dtype().bytes(y.length));
      System.arraycopy(
          Tensor.of(rows.dtype(), Shape.of(y.length), part).toFloats(), 0, y, 0, y.length);
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
    floats = null;
    rows = null;
    memory.clean();
  }

  /** Returns the elements; none if they are not f32. */
  float[] floats() {
    backend.requireOpen();
    float[] array = floats;
    if (array == null) {
      throw new IllegalStateException("The buffer of " + dtype + shape + " is closed");
    }
    return array;
  }

  /** Returns the elements as rows of the last dimension; null if they are f32 or freed. */
  @Nullable Matrix rows() {
    return rows;
  }

  private Matrix openRows() {
    Matrix open = rows;
    if (open == null) {
      throw new IllegalStateException("The buffer of " + dtype + shape + " is closed");
    }
    return open;
  }

  /** Checks that the memory has not been freed. */
  void requireOpen() {
    floats();
  }
}
