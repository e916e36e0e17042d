package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import org.jspecify.annotations.Nullable;

/** A state of a graph and the buffer that is bound to it. */
final class State {

  private final String name;
  private final DType dtype;
  private final Shape shape;
  private @Nullable TornadoBuffer buffer;

  State(String name, DType dtype, Shape shape) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }

  /** Binds a buffer of this state's type and shape. */
  void bind(DeviceMemory memory, Buffer other) {
    if (!(other instanceof TornadoBuffer own) || own.memory() != memory) {
      throw new IllegalArgumentException(
          "The buffer for state \"" + name + "\" was not allocated by this tornado backend");
    }
    if (own.dtype() != dtype || !own.shape().equals(shape)) {
      throw new IllegalArgumentException(
          "A buffer of "
              + own.dtype()
              + own.shape()
              + " cannot hold state \""
              + name
              + "\" of "
              + dtype
              + shape);
    }
    buffer = own;
  }

  /** Returns where the buffer begins. */
  int at() {
    return bound().at();
  }

  /** Returns where the scales of the buffer's blocks begin. */
  int scalesAt() {
    return bound().scalesAt();
  }

  /** Checks that a buffer is bound that has not been freed. */
  void requireBound() {
    bound().requireOpen();
  }

  private TornadoBuffer bound() {
    TornadoBuffer own = buffer;
    if (own == null) {
      throw new BackendException(
          "The state \""
              + name
              + "\" "
              + shape
              + " is not bound; bind a buffer of that shape before running the graph.");
    }
    return own;
  }
}
