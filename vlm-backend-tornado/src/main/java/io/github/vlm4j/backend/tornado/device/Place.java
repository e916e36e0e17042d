package io.github.vlm4j.backend.tornado.device;

import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where a value lies in the heap of f32: at a fixed place, or in the buffer that is bound to a
 * state.
 *
 * @param state the state, or null
 * @param offset the first number, from the beginning of the state's buffer or of the heap
 */
record Place(@Nullable State state, int offset) implements IntSupplier {

  /** A fixed place. */
  static Place at(int offset) {
    return new Place(null, offset);
  }

  /** Returns the place some numbers further on. */
  Place plus(long numbers) {
    return new Place(state, Math.toIntExact(offset + numbers));
  }

  @Override
  public int getAsInt() {
    return state == null ? offset : state.at() + offset;
  }
}
