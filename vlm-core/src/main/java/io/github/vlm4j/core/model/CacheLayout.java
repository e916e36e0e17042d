package io.github.vlm4j.core.model;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;

/**
 * How the keys and values of each layer are stored: {@code [kvHeads, capacity, headDim]}, so that
 * those of one head, which are read together, lie together.
 *
 * @param dtype the type of the elements: F32, F16, BF16 or Q8_0
 * @param capacity the number of tokens there is room for
 */
public record CacheLayout(DType dtype, int capacity) {

  /** Returns the layout in f32. */
  public static CacheLayout f32(int capacity) {
    return new CacheLayout(DType.F32, capacity);
  }

  /** Returns the extents of one layer's keys, or values. */
  public Shape shape(long keyValueHeads, long headDim) {
    return Shape.of(keyValueHeads, capacity, headDim);
  }
}
