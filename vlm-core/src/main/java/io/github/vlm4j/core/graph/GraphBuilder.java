package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link Graph}: model code calls it as it would compute, top to bottom, and gets a {@link
 * Value} for each result. Shapes and types are checked at once; an error names the layer, the
 * operation and the shapes.
 *
 * <p>{@link #at} gives a builder of the same graph whose values belong to a named layer, for errors
 * and profiles.
 */
public final class GraphBuilder {

  /** What all layers' builders of one graph share. */
  private static final class Shared {
    final List<Value> built = new ArrayList<>();
    final Map<Weight, Value> parameters = new HashMap<>();
    final Map<String, Value> leaves = new HashMap<>();
    final SequencedMap<String, Value> outputs = new LinkedHashMap<>();
  }

  private final Shared shared;
  private final String layer;
  private final OperandChecks checks;

  /** Starts an empty graph. */
  public GraphBuilder() {
    this(new Shared(), "");
  }

  private GraphBuilder(Shared shared, String layer) {
    this.shared = shared;
    this.layer = layer;
    this.checks = new OperandChecks(layer);
  }

  /**
   * Returns a builder of the same graph for a layer inside this one.
   *
   * @param name the layer's name below this one, such as {@code blocks.3}
   */
  public GraphBuilder at(String name) {
    return new GraphBuilder(shared, layer.isEmpty() ? name : layer + "." + name);
  }

  /** Returns the full name of the layer that this builder builds, empty at the root. */
  public String layer() {
    return layer;
  }

  /** Declares an input that the caller fills before each run: f32 or i32. */
  public Value input(String name, DType dtype, long... dims) {
    if (!(dtype == DType.F32 || dtype == DType.I32)) {
      throw checks.failed("input", name + " must be F32 or I32, not " + dtype);
    }
    return leaf(name, new Op.Input(name), dtype, Shape.of(dims));
  }

  /** Declares f32 memory that outlives a run and is bound by the caller. */
  public Value state(String name, Shape shape) {
    return state(name, DType.F32, shape);
  }

  /**
   * Declares memory that outlives a run and is bound by the caller. Of another type than f32 it can
   * be appended to and attended to, nothing else.
   *
   * @param dtype F32, F16, BF16 or Q8_0, whose blocks lie along the last dimension
   */
  public Value state(String name, DType dtype, Shape shape) {
    if (!(dtype.isFloat() || dtype == DType.Q8_0)) {
      throw checks.failed("state", name + " must be F32, F16, BF16 or Q8_0, not " + dtype);
    }
    if (!(!dtype.isQuantised() || shape.last() % dtype.blockElements() == 0)) {
      throw checks.failed(
          "state",
          name
              + " "
              + shape
              + " cannot be "
              + dtype
              + ", as its last dimension is not a multiple of "
              + dtype.blockElements());
    }
    return leaf(name, new Op.State(name), dtype, shape);
  }

  /** Returns a parameter as a value; the same weight is the same value. */
  public Value parameter(Weight weight) {
    Value known = shared.parameters.get(weight);
    if (known != null) {
      return known;
    }
    Value value = node(new Op.Parameter(weight), weight.dtype(), weight.shape());
    shared.parameters.put(weight, value);
    return value;
  }

  /** Returns numbers that are known now, f32 or i32; the tensor must not change afterwards. */
  public Value constant(Tensor tensor) {
    if (!(tensor.dtype() == DType.F32 || tensor.dtype() == DType.I32)) {
      throw checks.failed("constant", "must be F32 or I32, not " + tensor.dtype());
    }
    return node(new Op.Constant(tensor), tensor.dtype(), tensor.shape());
  }

  /** Returns {@code x·Wᵀ (+ b)}, {@code [.., in] → [.., out]}. */
  public Value linear(Value x, Weight weight, @Nullable Weight bias) {
    Shape w = weight.shape();
    if (!(OperandChecks.isF32(x)
        && w.rank() == 2
        && x.shape().rank() >= 1
        && x.shape().last() == w.dim(1))) {
      throw checks.failed(
          "linear",
          "input "
              + x.shape()
              + " does not fit weight "
              + weight.name()
              + " "
              + w
              + " (the input's last dimension must be "
              + (w.rank() == 2 ? w.dim(1) : "?")
              + ")");
    }
    checks.numeric("linear", weight);
    Shape result = x.shape().with(-1, w.dim(0));
    if (bias == null) {
      return node(new Op.Linear(), DType.F32, result, x, parameter(weight));
    }
    if (!bias.shape().equals(Shape.of(w.dim(0)))) {
      throw checks.failed(
          "linear", "bias " + bias.name() + " " + bias.shape() + " does not fit weight " + w);
    }
    checks.numeric("linear", bias);
    return node(new Op.Linear(), DType.F32, result, x, parameter(weight), parameter(bias));
  }

  /** Returns {@code a + b}; b may lack a's outer dimensions. */
  public Value add(Value a, Value b) {
    checks.broadcast("add", a, b);
    return node(new Op.Add(), DType.F32, a.shape(), a, b);
  }

  /** Returns {@code a · b} by element; b may lack a's outer dimensions. */
  public Value multiply(Value a, Value b) {
    checks.broadcast("multiply", a, b);
    return node(new Op.Multiply(), DType.F32, a.shape(), a, b);
  }

  /** Returns the activation of each element. */
  public Value activate(Activation activation, Value x) {
    if (!OperandChecks.isF32(x)) {
      throw checks.failed("activate", "input must be F32, not " + x.dtype());
    }
    return node(new Op.Activate(activation), DType.F32, x.shape(), x);
  }

  /** Returns {@code activation(gate) · up}: the middle of SwiGLU and its kin. */
  public Value gate(Activation activation, Value gate, Value up) {
    if (!(OperandChecks.isF32(gate)
        && OperandChecks.isF32(up)
        && gate.shape().equals(up.shape()))) {
      throw checks.failed(
          "gate", "gate " + gate.shape() + " and up " + up.shape() + " must have one shape");
    }
    return node(new Op.Gate(activation), DType.F32, gate.shape(), gate, up);
  }

  /**
   * Returns how much each row uses each expert; see {@link Op.Route}.
   *
   * @param logits {@code [n, experts]}
   * @param chosen how many experts a row uses
   * @param normalised whether their shares add up to 1
   * @return {@code [n, experts]}, 0 for experts that a row does not use
   * @throws ModelException if there are not as many experts
   */
  public Value route(Value logits, int chosen, boolean normalised) {
    if (!(OperandChecks.isF32(logits)
        && logits.shape().rank() == 2
        && chosen >= 1
        && chosen <= logits.shape().dim(1))) {
      throw checks.failed(
          "route",
          "logits "
              + logits.dtype()
              + logits.shape()
              + " must be F32[n, experts] with at least the "
              + chosen
              + " experts that are chosen, of which there must be one or more");
    }
    return node(new Op.Route(chosen, normalised), DType.F32, logits.shape(), logits);
  }

  /**
   * Returns the weighted sum of the experts that each row uses; see {@link Op.Experts}.
   *
   * @param x {@code [n, hidden]}
   * @param gates {@code [n, experts]}, as {@link #route} returns them
   * @param experts one for each column of the gates
   * @param activation what gates the products
   * @return {@code [n, hidden]}
   * @throws ModelException if they do not fit
   */
  public Value experts(Value x, Value gates, List<Expert> experts, Activation activation) {
    checks.experts(x, gates, experts);
    List<Weight> weights =
        experts.stream().flatMap(e -> Stream.of(e.gate(), e.up(), e.down())).toList();
    return experts(new Op.Experts(activation, false), x, gates, weights);
  }

  /** Returns {@link #experts} whose weights are stored the other way round. */
  public Value transposedExperts(
      Value x, Value gates, List<TransposedExpert> experts, Activation activation) {
    checks.transposedExperts(x, gates, experts);
    List<Weight> weights = experts.stream().flatMap(e -> Stream.of(e.gateUp(), e.down())).toList();
    return experts(new Op.Experts(activation, true), x, gates, weights);
  }

  private Value experts(Op.Experts op, Value x, Value gates, List<Weight> weights) {
    Stream<Value> parameters = weights.stream().map(this::parameter);
    Value[] operands = Stream.concat(Stream.of(x, gates), parameters).toArray(Value[]::new);
    return node(op, DType.F32, x.shape(), operands);
  }

  /** Returns the root-mean-square norm over the last dimension (Zhang and Sennrich, 2019). */
  public Value rmsNorm(Value x, Weight weight, float eps) {
    checks.norm("rmsNorm", x, weight);
    return node(new Op.RmsNorm(eps), DType.F32, x.shape(), x, parameter(weight));
  }

  /** Returns the layer norm over the last dimension (Ba et al., 2016). */
  public Value layerNorm(Value x, Weight weight, Weight bias, float eps) {
    checks.norm("layerNorm", x, weight);
    checks.norm("layerNorm", x, bias);
    return node(new Op.LayerNorm(eps), DType.F32, x.shape(), x, parameter(weight), parameter(bias));
  }

  /**
   * Returns x with rotary positions applied.
   *
   * @param x {@code [n, heads, headDim]}
   * @param cos {@code [n, r]}, {@code 2·r <= headDim}
   * @param sin {@code [n, r]}
   * @param pairing which dimensions rotate together
   */
  public Value rope(Value x, Value cos, Value sin, RopePairing pairing) {
    if (!(OperandChecks.isF32(x)
        && x.shape().rank() == 3
        && cos.shape().rank() == 2
        && cos.shape().equals(sin.shape())
        && cos.shape().dim(0) == x.shape().dim(0)
        && 2 * cos.shape().dim(1) <= x.shape().dim(2))) {
      throw checks.failed(
          "rope",
          "input "
              + x.shape()
              + " must be [n, heads, headDim] and the tables "
              + cos.shape()
              + ", "
              + sin.shape()
              + " [n, r] with 2·r <= headDim");
    }
    return node(new Op.Rope(pairing), DType.F32, x.shape(), x, cos, sin);
  }

  /**
   * Returns the convolution of pictures with a kernel; see {@link Op.Convolve}.
   *
   * @param x {@code [n, h, w, in]}
   * @param kernel {@code [out, kh, kw, in]}
   * @param bias {@code [out]}, or null
   * @param stride the distance between neighbouring windows, in both directions
   * @param padding the zeros around each picture, on every side
   * @return {@code [n, oh, ow, out]}
   * @throws ModelException if they do not fit
   */
  public Value convolve(Value x, Weight kernel, @Nullable Weight bias, int stride, int padding) {
    checks.convolution(x, kernel, bias, stride, padding);
    Shape w = kernel.shape();
    Shape result =
        Shape.of(
            x.shape().dim(0),
            (x.shape().dim(1) + 2L * padding - w.dim(1)) / stride + 1,
            (x.shape().dim(2) + 2L * padding - w.dim(2)) / stride + 1,
            w.dim(0));
    Op op = new Op.Convolve(stride, padding);
    return bias == null
        ? node(op, DType.F32, result, x, parameter(kernel))
        : node(op, DType.F32, result, x, parameter(kernel), parameter(bias));
  }

  /**
   * Returns the means of windows that lie side by side; see {@link Op.AveragePool}.
   *
   * @param x {@code [n, h, w, c]}
   * @param height the rows of a window
   * @param width the columns of a window
   * @return {@code [n, h / height, w / width, c]}, rounded down
   * @throws ModelException if they do not fit
   */
  public Value averagePool(Value x, int height, int width) {
    if (!(OperandChecks.isF32(x)
        && x.shape().rank() == 4
        && height > 0
        && width > 0
        && x.shape().dim(1) >= height
        && x.shape().dim(2) >= width)) {
      throw checks.failed(
          "averagePool",
          "input " + x.shape() + " must be [n, h, w, c] with windows of " + height + "×" + width);
    }
    Shape result = x.shape().with(1, x.shape().dim(1) / height).with(2, x.shape().dim(2) / width);
    return node(new Op.AveragePool(height, width), DType.F32, result, x);
  }

  /** Returns attention of all rows to all rows; see {@link Op.Attention}. */
  public Value attention(Value q, Value k, Value v, float scale, boolean causal) {
    checks.attention("attention", q, k, v);
    return attention(q, k, v, scale, causal, List.of((int) q.shape().dim(0)));
  }

  /** Returns attention within segments of rows; see {@link Op.Attention}. */
  public Value attention(
      Value q, Value k, Value v, float scale, boolean causal, List<Integer> segments) {
    return attention("attention", q, k, v, new Op.Attention(scale, causal, segments, segments));
  }

  /**
   * Returns attention of each segment of queries to its own segment of keys; see {@link
   * Op.Attention}.
   *
   * @param q {@code [n, heads, d]}
   * @param k {@code [m, kvHeads, d]}
   * @param v {@code [m, kvHeads, dv]}
   * @param scale what the dot products are multiplied with
   * @param querySegments the lengths of consecutive runs of queries; they add up to n
   * @param keySegments as many lengths of consecutive runs of keys; they add up to m
   * @return {@code [n, heads, dv]}
   * @throws ModelException if they do not fit
   */
  public Value crossAttention(
      Value q,
      Value k,
      Value v,
      float scale,
      List<Integer> querySegments,
      List<Integer> keySegments) {
    Op.Attention op = new Op.Attention(scale, false, querySegments, keySegments);
    return attention("crossAttention", q, k, v, op);
  }

  private Value attention(String name, Value q, Value k, Value v, Op.Attention op) {
    checks.attention(name, q, k, v);
    checks.segments(name, q, k, op.segments(), op.keySegments());
    return node(op, DType.F32, q.shape().with(2, v.shape().dim(2)), q, k, v);
  }

  /** Returns the weights of {@link #attention}, {@code [heads, n, n]}. */
  public Value attentionWeights(
      Value q, Value k, float scale, boolean causal, List<Integer> segments) {
    var op = new Op.AttentionWeights(scale, causal, segments, segments);
    return attentionWeights("attentionWeights", q, k, op);
  }

  /** Returns the weights of {@link #crossAttention}, {@code [heads, n, m]}. */
  public Value crossAttentionWeights(
      Value q, Value k, float scale, List<Integer> querySegments, List<Integer> keySegments) {
    var op = new Op.AttentionWeights(scale, false, querySegments, keySegments);
    return attentionWeights("crossAttentionWeights", q, k, op);
  }

  private Value attentionWeights(String name, Value q, Value k, Op.AttentionWeights op) {
    checks.attention(name, q, k, k);
    checks.segments(name, q, k, op.segments(), op.keySegments());
    Shape result = Shape.of(q.shape().dim(1), q.shape().dim(0), k.shape().dim(0));
    return node(op, DType.F32, result, q, k);
  }

  /**
   * Returns causal attention over a KV cache; see {@link Op.CachedAttention}.
   *
   * @param q {@code [n, heads, d]}
   * @param keys a state as {@link #append} returned it, {@code [kvHeads, capacity, d]}
   * @param values likewise, {@code [kvHeads, capacity, dv]}
   * @param position i32 {@code [1]}, the position of row 0
   * @param scale what the dot products are multiplied with
   * @param window how many rows a row sees at most, itself included; 0 for all
   * @return {@code [n, heads, dv]}
   * @throws ModelException if they do not fit
   */
  public Value cachedAttention(
      Value q, Value keys, Value values, Value position, float scale, int window) {
    checks.cachedAttention(q, keys, values);
    checks.position("cachedAttention", position);
    if (window < 0) {
      throw checks.failed("cachedAttention", "the window must not be negative, but is " + window);
    }
    Shape result = q.shape().with(2, values.shape().dim(2));
    Op op = new Op.CachedAttention(scale, window);
    return node(op, DType.F32, result, q, keys, values, position);
  }

  /** Returns causal attention over all earlier rows of a KV cache. */
  public Value cachedAttention(Value q, Value keys, Value values, Value position, float scale) {
    return cachedAttention(q, keys, values, position, scale, 0);
  }

  /**
   * Writes rows into a state from a position on and returns the state after the write; see {@link
   * Op.Append}.
   *
   * @param state {@code [heads, capacity, d]}
   * @param rows f32 {@code [n, heads, d]}
   * @param position i32 {@code [1]}, the position of row 0
   * @throws ModelException if they do not fit
   */
  public Value append(Value state, Value rows, Value position) {
    checks.append(state, rows);
    checks.position("append", position);
    return node(new Op.Append(), state.dtype(), state.shape(), state, rows, position);
  }

  /** Returns rows {@code from} to {@code to} of the outermost dimension. */
  public Value rows(Value x, long from, long to) {
    if (!(x.shape().rank() >= 1 && 0 <= from && from <= to && to <= x.shape().dim(0))) {
      throw checks.failed("rows", "rows " + from + " to " + to + " are not inside " + x.shape());
    }
    return node(new Op.Rows(from, to), x.dtype(), x.shape().with(0, to - from), x);
  }

  /** Returns the same elements under another shape; one extent may be −1 and is computed. */
  public Value reshape(Value x, long... dims) {
    long[] extents = dims.clone();
    long known = 1;
    int open = -1;
    for (int i = 0; i < extents.length; i++) {
      if (extents[i] < 0) {
        if (open >= 0) {
          throw checks.failed("reshape", "only one extent can be -1");
        }
        open = i;
      } else {
        if (!(extents[i] == 0 || known <= Long.MAX_VALUE / extents[i])) {
          throw checks.failed("reshape", Arrays.toString(dims) + " is too large");
        }
        known *= extents[i];
      }
    }
    boolean fits = open < 0 || known > 0;
    if (open >= 0 && fits) {
      extents[open] = x.shape().elements() / known;
      known *= extents[open];
    }
    if (!fits || known != x.shape().elements()) {
      throw checks.failed("reshape", x.shape() + " cannot be viewed as " + Arrays.toString(dims));
    }
    return node(new Op.Reshape(), x.dtype(), Shape.of(extents), x);
  }

  /** Returns the values one after the other along the outermost dimension. */
  public Value concat(Value... parts) {
    if (parts.length == 0) {
      throw checks.failed("concat", "needs at least one value");
    }
    long rows = 0;
    for (Value part : parts) {
      if (!(OperandChecks.isF32(part)
          && part.shape().rank() >= 1
          && part.shape().with(0, 1).equals(parts[0].shape().with(0, 1)))) {
        throw checks.failed("concat", part.shape() + " does not continue " + parts[0].shape());
      }
      rows += part.shape().dim(0);
    }
    return node(new Op.Concat(), DType.F32, parts[0].shape().with(0, rows), parts);
  }

  /** Returns the rows of a table by index: {@code [rows, n]} and i32 {@code [m] → [m, n]}. */
  public Value gather(Value table, Value ids) {
    if (!(table.shape().rank() == 2
        && (table.dtype().isFloat() || table.dtype().isQuantised())
        && OperandChecks.isIds(ids, 1))) {
      throw checks.failed(
          "gather", "table " + table + " must be [rows, n] and ids " + ids + " I32 [m]");
    }
    Shape result = Shape.of(ids.shape().dim(0), table.shape().dim(1));
    return node(new Op.Gather(), DType.F32, result, table, ids);
  }

  /** Returns the rows of an embedding table by index. */
  public Value embedding(Weight table, Value ids) {
    return gather(parameter(table), ids);
  }

  /** Returns weighted sums of k rows of a table each; see {@link Op.WeightedGather}. */
  public Value weightedGather(Weight table, Value ids, Value weights) {
    if (!(table.shape().rank() == 2
        && table.dtype().isFloat()
        && OperandChecks.isIds(ids, 2)
        && OperandChecks.isF32(weights)
        && weights.shape().equals(ids.shape()))) {
      throw checks.failed(
          "weightedGather",
          "table "
              + table
              + " must be [rows, n], ids "
              + ids.shape()
              + " and weights "
              + weights.shape()
              + " one [m, k]");
    }
    Shape result = Shape.of(ids.shape().dim(0), table.shape().dim(1));
    return node(new Op.WeightedGather(), DType.F32, result, parameter(table), ids, weights);
  }

  /**
   * Returns x with the rows that {@code ids} names replaced by y's, or y's added to them.
   *
   * @param x {@code [n, ..]}
   * @param ids i32 {@code [m]}, no index twice
   * @param y {@code [m, ..]}
   */
  public Value scatter(Value x, Value ids, Value y, ScatterMode mode) {
    if (!(OperandChecks.isF32(x)
        && OperandChecks.isF32(y)
        && OperandChecks.isIds(ids, 1)
        && x.shape().rank() >= 1
        && y.shape().equals(x.shape().with(0, ids.shape().dim(0))))) {
      throw checks.failed(
          "scatter", "rows " + y.shape() + " at ids " + ids.shape() + " do not fit " + x.shape());
    }
    return node(new Op.Scatter(mode), DType.F32, x.shape(), x, ids, y);
  }

  /** Names a result of the graph. */
  public void output(String name, Value value) {
    if (shared.outputs.containsKey(name)) {
      throw checks.failed("output", name + " is already an output");
    }
    if (!OperandChecks.isF32(value)) {
      throw checks.failed("output", name + " must be F32, not " + value.dtype());
    }
    if (!isOwn(value)) {
      throw foreign("output", value);
    }
    shared.outputs.put(name, value);
  }

  /** Returns the graph of everything the outputs need. */
  public Graph build() {
    return Graph.reaching(shared.outputs, shared.built);
  }

  private Value leaf(String name, Op op, DType dtype, Shape shape) {
    if (shared.leaves.containsKey(name)) {
      throw checks.failed(op.label(), name + " is declared twice");
    }
    Value value = node(op, dtype, shape);
    shared.leaves.put(name, value);
    return value;
  }

  private Value node(Op op, DType dtype, Shape shape, Value... operands) {
    for (Value operand : operands) {
      if (!isOwn(operand)) {
        throw foreign(op.label(), operand);
      }
      checks.stored(op, operand);
    }
    Value value = new Value(this, shared.built.size(), op, List.of(operands), dtype, shape);
    shared.built.add(value);
    return value;
  }

  private boolean isOwn(Value value) {
    return value.id() < shared.built.size() && shared.built.get(value.id()) == value;
  }

  private ModelException foreign(String op, Value value) {
    return checks.failed(op, value + " belongs to another graph");
  }
}
