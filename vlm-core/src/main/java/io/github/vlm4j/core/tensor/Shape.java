package io.github.vlm4j.core.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The extents of a tensor, outermost first. A shape without dimensions is a scalar of one element;
 * a dimension of 0 is allowed and makes the tensor empty.
 */
public final class Shape {

  private final long[] dims;
  private final long elements;

  private Shape(long[] dims) {
    long product = 1;
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException("A dimension is negative in " + Arrays.toString(dims));
      }
      product = Math.multiplyExact(product, dim);
    }
    this.dims = dims;
    this.elements = product;
  }

  /**
   * Returns a shape.
   *
   * @param dims the extents, outermost first
   * @throws IllegalArgumentException if one is negative
   * @throws ArithmeticException if the number of elements overflows a {@code long}
   */
  public static Shape of(long... dims) {
    return new Shape(dims.clone());
  }

  /** Returns the number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /**
   * Returns one extent.
   *
   * @param axis the dimension; negative counts from the last, so −1 is the innermost
   */
  public long dim(int axis) {
    return dims[axis < 0 ? axis + dims.length : axis];
  }

  /** Returns the innermost extent, 1 for a scalar. */
  public long last() {
    return dims.length == 0 ? 1 : dims[dims.length - 1];
  }

  /** Returns the number of elements. */
  public long elements() {
    return elements;
  }

  /** Returns the number of innermost rows: all elements over the last extent. */
  public long rows() {
    long rows = 1;
    for (int i = 0; i < dims.length - 1; i++) {
      rows *= dims[i];
    }
    return rows;
  }

  /** Returns a copy of the extents. */
  public long[] toArray() {
    return dims.clone();
  }

  /**
   * Returns this shape with one extent replaced.
   *
   * @param axis the dimension; negative counts from the last
   * @param extent the new extent
   */
  public Shape with(int axis, long extent) {
    long[] copy = dims.clone();
    copy[axis < 0 ? axis + dims.length : axis] = extent;
    return new Shape(copy);
  }

  /** Returns whether {@code suffix}'s extents are the last extents of this shape. */
  public boolean endsWith(Shape suffix) {
    int skip = dims.length - suffix.dims.length;
    return skip >= 0 && Arrays.equals(dims, skip, dims.length, suffix.dims, 0, suffix.dims.length);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** Returns the extents in brackets, as {@code [2, 3]}. */
  @Override
  public String toString() {
    return Arrays.stream(dims).mapToObj(Long::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
