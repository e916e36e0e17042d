package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a graph is given rather than computes: inputs and states in memory of their own, constants
 * and small parameters as arrays, large parameters where they lie.
 */
final class Leaves {

  /**
   * A state: the memory that steps read and write once a buffer is bound to it, f32 in an array,
   * other types as the rows of a matrix.
   */
  static final class State {
    private final DType dtype;
    private final Shape shape;
    private final Memory memory = new Memory(new float[0]);
    private @Nullable Matrix rows;

    private State(DType dtype, Shape shape) {
      this.dtype = dtype;
      this.shape = shape;
    }

    DType dtype() {
      return dtype;
    }

    Shape shape() {
      return shape;
    }

    /** Returns the rows, if the state is bound and of another type than f32. */
    @Nullable Matrix rows() {
      return rows;
    }

    /** Sets the memory. */
    void bind(CpuBuffer buffer) {
      rows = buffer.rows();
      memory.replace(buffer.floats());
    }

    /** Forgets the memory. */
    void release() {
      rows = null;
      memory.replace(new float[0]);
    }
  }

  private final WeightSource weights;
  private final Map<String, Tensor> inputs = new LinkedHashMap<>();
  private final Map<String, State> states = new LinkedHashMap<>();
  private final Map<Value, Memory> floats = new HashMap<>();
  private final Map<Value, int[]> ints = new HashMap<>();
  private long inputBytes;

  /**
   * Creates leaves.
   *
   * @param weights the parameters' data
   */
  Leaves(WeightSource weights) {
    this.weights = weights;
  }

  /**
   * Allocates an input or declares a state; other leaves are made when they are first asked for.
   */
  void declare(Value leaf) {
    switch (leaf.op()) {
      case Op.Input(String name) -> allocate(name, leaf);
      case Op.State(String name) -> {
        Memory.requireOneArray(leaf.shape().elements(), "The state " + name + " " + leaf.shape());
        State state = new State(leaf.dtype(), leaf.shape());
        states.put(name, state);
        floats.put(leaf, state.memory);
      }
      default -> {}
    }
  }

  private void allocate(String name, Value leaf) {
    long count = leaf.shape().elements();
    long[] dims = leaf.shape().toArray();
    String what = "The input " + name + " " + leaf.shape();
    inputBytes += count * Float.BYTES;
    if (leaf.dtype() == DType.I32) {
      int[] array = Memory.allocate(count, what, () -> new int[(int) count]);
      ints.put(leaf, array);
      inputs.put(name, Tensor.ofInts(array, dims));
    } else {
      float[] array = Memory.allocate(count, what);
      floats.put(leaf, new Memory(array));
      inputs.put(name, Tensor.ofFloats(array, dims));
    }
  }

  /** Returns the inputs by name. */
  Map<String, Tensor> inputs() {
    return inputs;
  }

  /** Returns the states by name. */
  Map<String, State> states() {
    return states;
  }

  /** Returns the rows of a cache: of a state, or of any f32 value of three dimensions. */
  StateRows stateRows(Value value, Span floats) {
    return value.dtype() != DType.F32
            && MemoryPlan.root(value).op() instanceof Op.State(String name)
        ? StateRows.of(Objects.requireNonNull(states.get(name)))
        : StateRows.of(value.shape(), floats);
  }

  /** Returns the bytes of all inputs. */
  long inputBytes() {
    return inputBytes;
  }

  /** Returns a leaf, or a view of one, as f32. */
  Span span(Value value) {
    Value root = MemoryPlan.root(value);
    Memory memory =
        floats.computeIfAbsent(
            root,
            leaf ->
                new Memory(
                    switch (leaf.op()) {
                      case Op.Parameter parameter -> decoded(leaf);
                      case Op.Constant(Tensor tensor) -> tensor.toFloats();
                      default -> throw new IllegalStateException(leaf + " has not been declared");
                    }));
    return new Span(
        memory, (int) MemoryPlan.offset(value), Math.toIntExact(value.shape().elements()));
  }

  /** Returns a leaf, or a view of one, as i32. */
  IntSpan ints(Value value) {
    Value root = MemoryPlan.root(value);
    int[] array =
        ints.computeIfAbsent(
            root,
            leaf -> {
              if (leaf.op() instanceof Op.Constant(Tensor tensor)) {
                return tensor.toInts();
              }
              throw new IllegalStateException(leaf + " has not been declared");
            });
    return new IntSpan(
        array, (int) MemoryPlan.offset(value), Math.toIntExact(value.shape().elements()));
  }

  /** Returns a parameter of one dimension, or a view of one, as an array of its own. */
  float[] vector(Value value) {
    Span span = span(value);
    boolean whole = span.at() == 0 && span.length() == span.floats().length;
    return whole
        ? span.floats()
        : Arrays.copyOfRange(span.floats(), span.at(), span.at() + span.length());
  }

  /** Returns a parameter, or a view of one, where it lies; inner dimensions are seen as columns. */
  Matrix matrix(Value value) {
    Tensor tensor = stored(value);
    long rows = tensor.shape().dim(0);
    if (!tensor.dtype().isQuantised()) {
      requireFloat(tensor.dtype(), value);
    }
    return new Matrix(
        tensor.dtype(),
        tensor.data(),
        extent(value, rows),
        extent(value, tensor.shape().with(0, 1).elements()));
  }

  private Tensor stored(Value value) {
    return switch (value.op()) {
      case Op.Parameter(Weight weight) -> stored(weight);
      case Op.Rows(long from, long to) -> stored(value.operands().get(0)).rows(from, to);
      case Op.Reshape reshape -> stored(value.operands().get(0)).reshape(value.shape().toArray());
      default -> throw new IllegalStateException(value + " is not a parameter");
    };
  }

  private Tensor stored(Weight weight) {
    Tensor stored = weights.tensor(weight.name());
    long rowElements =
        weight.shape().rank() == 0
            ? 1
            : weight.shape().elements() / Math.max(1, weight.shape().dim(0));
    long needed = weight.firstRow() * rowElements + weight.shape().elements();
    if (stored.dtype() != weight.dtype() || stored.shape().elements() < needed) {
      throw new ModelException(
          "The weights of "
              + weight.name()
              + " are "
              + stored
              + ", but the model was built for "
              + weight
              + ".");
    }
    return weight.of(stored);
  }

  private float[] decoded(Value parameter) {
    Tensor tensor = stored(parameter);
    requireFloat(tensor.dtype(), parameter);
    return Memory.allocate(
        tensor.shape().elements(), "Decoding " + describe(parameter), tensor::toFloats);
  }

  private static void requireFloat(DType dtype, Value value) {
    if (!dtype.isFloat()) {
      throw new BackendException(
          "The cpu backend cannot compute with the weights "
              + describe(value)
              + "; it takes F32, F16 and BF16, and as matrices also Q8_0, Q4_0, Q4_K and Q6_K.");
    }
  }

  private static int extent(Value value, long dim) {
    if (dim > Integer.MAX_VALUE) {
      throw new BackendException(
          "The cpu backend takes weights of at most "
              + Integer.MAX_VALUE
              + " rows and columns, not "
              + describe(value)
              + ".");
    }
    return (int) dim;
  }

  private static String describe(Value value) {
    Value root = MemoryPlan.root(value);
    return root.op() instanceof Op.Parameter(Weight weight) ? weight.toString() : root.toString();
  }
}
