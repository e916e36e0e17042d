package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;

/**
 * A parameter as a graph sees it: its name, type and shape, but not its data. A range of rows of a
 * stored tensor is a weight too, as fused projections are stored in one tensor and used in parts.
 *
 * @param name the tensor's name in the checkpoint
 * @param dtype the stored element type
 * @param shape the extents of the used part
 * @param firstRow where the used part begins in the stored tensor's outermost dimension
 */
public record Weight(String name, DType dtype, Shape shape, long firstRow) {

  /** Returns a weight that is the whole of a stored tensor. */
  public static Weight of(String name, DType dtype, Shape shape) {
    return new Weight(name, dtype, shape, 0);
  }

  /**
   * Returns a range of this weight's rows; nothing is copied.
   *
   * @param from the first row
   * @param to one past the last row
   * @throws IndexOutOfBoundsException if the range is not inside the weight
   */
  public Weight rows(long from, long to) {
    if (from < 0 || to < from || to > shape.dim(0)) {
      throw new IndexOutOfBoundsException("Rows " + from + " to " + to + " of " + this);
    }
    return new Weight(name, dtype, shape.with(0, to - from), firstRow + from);
  }

  /**
   * Returns this weight under another shape with the same elements, such as a convolution kernel
   * {@code [out, channels, height, width]} seen as a matrix.
   *
   * @throws IllegalArgumentException if the number of elements differs or this is a range of rows
   */
  public Weight reshape(long... dims) {
    Shape other = Shape.of(dims);
    if (other.elements() != shape.elements() || firstRow != 0) {
      throw new IllegalArgumentException(this + " cannot be viewed as " + other);
    }
    return new Weight(name, dtype, other, 0);
  }

  /**
   * Returns the part of the stored tensor that this weight means, without copying.
   *
   * @param stored the whole tensor of that name
   */
  public Tensor of(Tensor stored) {
    long rowElements = shape.rank() == 0 ? 1 : shape.elements() / Math.max(1, shape.dim(0));
    long from = dtype.bytes(firstRow * rowElements);
    return Tensor.of(dtype, shape, stored.data().asSlice(from, dtype.bytes(shape.elements())));
  }

  @Override
  public String toString() {
    return name + " " + dtype + shape;
  }
}
