package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.StoredRows;
import io.github.vlm4j.core.tensor.Shape;
import org.jspecify.annotations.Nullable;

/**
 * The keys or the values of a cache, {@code [heads, capacity, d]}: f32 in an array, other types as
 * the rows of a matrix.
 */
final class StateRows {

  private final int capacity;
  private final int size;
  private final @Nullable Span floats;
  private final Leaves.@Nullable State state;

  private StateRows(Shape shape, @Nullable Span floats, Leaves.@Nullable State state) {
    this.capacity = (int) shape.dim(1);
    this.size = (int) shape.dim(2);
    this.floats = floats;
    this.state = state;
  }

  /** Returns the rows of f32 numbers. */
  static StateRows of(Shape shape, Span floats) {
    return new StateRows(shape, floats, null);
  }

  /** Returns the rows of a state of another type. */
  static StateRows of(Leaves.State state) {
    return new StateRows(state.shape(), null, state);
  }

  /** Returns the number of rows of a head. */
  int capacity() {
    return capacity;
  }

  /** Writes one row of one head. */
  void write(int head, int row, float[] x, int xAt) {
    int to = head * capacity + row;
    if (floats != null) {
      System.arraycopy(x, xAt, floats.floats(), floats.at() + to * size, size);
    } else {
      StoredRows.encode(x, xAt, matrix(), to);
    }
  }

  /** Points a task at the keys of a head, from a row on. */
  void aimKeys(AttentionTask task, int head, int row) {
    int at = head * capacity + row;
    if (floats != null) {
      task.k = floats.floats();
      task.kAt = floats.at() + at * size;
      task.kStride = size;
    } else {
      task.storedK = matrix();
      task.storedAt = at;
    }
  }

  /** Points a task at the values of a head, from a row on. */
  void aimValues(AttentionTask task, int head, int row) {
    int at = head * capacity + row;
    if (floats != null) {
      task.v = floats.floats();
      task.vAt = floats.at() + at * size;
      task.vStride = size;
    } else {
      task.storedV = matrix();
      task.storedAt = at;
    }
  }

  private Matrix matrix() {
    Matrix bound = state == null ? null : state.rows();
    if (bound == null) {
      throw new IllegalStateException("A state is not bound");
    }
    return bound;
  }
}
