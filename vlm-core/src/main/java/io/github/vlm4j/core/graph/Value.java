package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.List;

/**
 * The result of one operation in a graph: a node. Its type and shape are known from the moment it
 * is built; its numbers exist only while a backend runs the graph.
 */
public final class Value {

  private final GraphBuilder builder;
  private final int id;
  private final Op op;
  private final List<Value> operands;
  private final DType dtype;
  private final Shape shape;

  Value(GraphBuilder builder, int id, Op op, List<Value> operands, DType dtype, Shape shape) {
    this.builder = builder;
    this.id = id;
    this.op = op;
    this.operands = operands;
    this.dtype = dtype;
    this.shape = shape;
  }

  /** Returns this value's number, unique in its builder and greater than its operands'. */
  public int id() {
    return id;
  }

  /** Returns the operation that produces this value. */
  public Op op() {
    return op;
  }

  /** Returns what the operation reads. */
  public List<Value> operands() {
    return operands;
  }

  /** Returns the element type. */
  public DType dtype() {
    return dtype;
  }

  /** Returns the extents. */
  public Shape shape() {
    return shape;
  }

  /** Returns the layer this value was built in, such as {@code visual.blocks.3.attn}. */
  public String layer() {
    return builder.layer();
  }

  /** Returns {@code this + other}; {@code other} may lack this value's outer dimensions. */
  public Value plus(Value other) {
    return builder.add(this, other);
  }

  /** Returns {@code this · other} by element; {@code other} may lack the outer dimensions. */
  public Value times(Value other) {
    return builder.multiply(this, other);
  }

  /**
   * Returns the same elements under another shape.
   *
   * @param dims the extents; one may be −1 and is computed
   */
  public Value reshape(long... dims) {
    return builder.reshape(this, dims);
  }

  /**
   * Returns a range of the outermost dimension.
   *
   * @param from the first index
   * @param to one past the last index
   */
  public Value rows(long from, long to) {
    return builder.rows(this, from, to);
  }

  @Override
  public String toString() {
    return "%" + id + " = " + op.label() + " " + dtype + shape;
  }
}
