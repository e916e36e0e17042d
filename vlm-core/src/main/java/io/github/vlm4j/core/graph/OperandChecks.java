package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.Weight;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether operands fit an operation; an error names the layer, the operation and the shapes.
 *
 * @param layer where the operation is built, empty at the root
 */
record OperandChecks(String layer) {

  void broadcast(String op, Value a, Value b) {
    if (!(isF32(a) && isFloatOperand(b) && a.shape().endsWith(b.shape()))) {
      throw failed(
          op,
          a.shape()
              + " and "
              + b.shape()
              + " do not fit (the second must equal the first or its last "
              + "dimensions)");
    }
  }

  void norm(String op, Value x, Weight weight) {
    if (!(isF32(x) && weight.shape().equals(Shape.of(x.shape().last())))) {
      throw failed(
          op, "input " + x.shape() + " does not fit " + weight.name() + " " + weight.shape());
    }
    numeric(op, weight);
  }

  void numeric(String op, Weight weight) {
    DType dtype = weight.dtype();
    if (!(dtype.isFloat() || dtype.isQuantised())) {
      throw failed(
          op,
          weight.name() + " is " + dtype + " where floating-point or quantised numbers are needed");
    }
  }

  void attention(String op, Value q, Value k, Value v) {
    boolean ranks =
        isF32(q)
            && isF32(k)
            && isF32(v)
            && q.shape().rank() == 3
            && k.shape().rank() == 3
            && v.shape().rank() == 3;
    if (!(ranks
        && k.shape().dim(1) > 0
        && q.shape().dim(1) % k.shape().dim(1) == 0
        && q.shape().dim(2) == k.shape().dim(2)
        && v.shape().dim(0) == k.shape().dim(0)
        && v.shape().dim(1) == k.shape().dim(1))) {
      throw failed(
          op,
          "queries "
              + q.shape()
              + ", keys "
              + k.shape()
              + " and values "
              + v.shape()
              + " must be [rows, heads, headDim], with query heads a multiple of key heads");
    }
  }

  void cachedAttention(Value q, Value keys, Value values) {
    boolean ranks =
        isF32(q)
            && q.shape().rank() == 3
            && keys.shape().rank() == 3
            && values.shape().rank() == 3
            && keys.dtype() == values.dtype();
    if (!(ranks
        && keys.shape().dim(0) > 0
        && q.shape().dim(1) % keys.shape().dim(0) == 0
        && q.shape().dim(2) == keys.shape().dim(2)
        && values.shape().dim(0) == keys.shape().dim(0)
        && values.shape().dim(1) == keys.shape().dim(1))) {
      throw failed(
          "cachedAttention",
          "queries "
              + q.shape()
              + " must be [rows, heads, headDim], keys "
              + keys.dtype()
              + keys.shape()
              + " and values "
              + values.dtype()
              + values.shape()
              + " [kvHeads, capacity, headDim] of one type, with query heads a multiple of key"
              + " heads");
    }
  }

  void append(Value state, Value rows) {
    Shape s = state.shape();
    Shape r = rows.shape();
    if (!(state.op() instanceof Op.State
        && isF32(rows)
        && s.rank() == 3
        && r.rank() == 3
        && r.dim(1) == s.dim(0)
        && r.dim(0) <= s.dim(1)
        && r.dim(2) == s.dim(2))) {
      throw failed(
          "append",
          "rows "
              + r
              + " do not fit state "
              + s
              + "; they must be [n, heads, headDim] and [heads, capacity, headDim]");
    }
  }

  /** Checks that what is not f32 numbers to compute with is only stored and attended to. */
  void stored(Op op, Value operand) {
    boolean stored = operand.op() instanceof Op.State || operand.op() instanceof Op.Append;
    if (!(!stored
        || isF32(operand)
        || op instanceof Op.Append
        || op instanceof Op.CachedAttention)) {
      throw failed(
          op.label(),
          "a state of "
              + operand.dtype()
              + " can only be appended to and attended to; declare it as F32");
    }
  }

  void segments(String op, Value q, Value k, List<Integer> queries, List<Integer> keys) {
    if (queries.size() != keys.size()) {
      throw failed(op, queries.size() + " segments of queries and " + keys.size() + " of keys");
    }
    if (!(rows(op, queries) == q.shape().dim(0) && rows(op, keys) == k.shape().dim(0))) {
      throw failed(
          op,
          "segments of "
              + rows(op, queries)
              + " and "
              + rows(op, keys)
              + " rows, queries "
              + q.shape()
              + " and keys "
              + k.shape()
              + " differ in rows");
    }
  }

  private long rows(String op, List<Integer> segments) {
    long total = 0;
    for (int segment : segments) {
      if (segment <= 0) {
        throw failed(op, "a segment of " + segment + " rows");
      }
      total += segment;
    }
    return total;
  }

  void convolution(Value x, Weight kernel, @Nullable Weight bias, int stride, int padding) {
    String op = "convolve";
    Shape w = kernel.shape();
    if (!(isF32(x) && x.shape().rank() == 4 && w.rank() == 4 && x.shape().dim(3) == w.dim(3))) {
      throw failed(
          op,
          "input "
              + x.shape()
              + " and kernel "
              + kernel.name()
              + " "
              + w
              + " must be [n, h, w, in] and [out, kh, kw, in]");
    }
    numeric(op, kernel);
    if (stride <= 0) {
      throw failed(op, "the stride must be positive, not " + stride);
    }
    if (padding < 0) {
      throw failed(op, "the padding must not be negative, but is " + padding);
    }
    if (!(w.dim(1) > 0
        && w.dim(2) > 0
        && x.shape().dim(1) + 2L * padding >= w.dim(1)
        && x.shape().dim(2) + 2L * padding >= w.dim(2))) {
      throw failed(
          op,
          "kernel "
              + kernel.name()
              + " "
              + w
              + " does not fit into input "
              + x.shape()
              + " with a padding of "
              + padding);
    }
    if (bias != null) {
      if (!bias.shape().equals(Shape.of(w.dim(0)))) {
        throw failed(op, "bias " + bias.name() + " " + bias.shape() + " does not fit kernel " + w);
      }
      numeric(op, bias);
    }
  }

  void experts(Value x, Value gates, List<Expert> experts) {
    String op = "experts";
    mixture(op, x, gates, experts.size());
    long hidden = x.shape().dim(1);
    long inter = experts.getFirst().gate().shape().dim(0);
    for (Expert expert : experts) {
      expertWeight(op, expert.gate(), inter, hidden);
      expertWeight(op, expert.up(), inter, hidden);
      expertWeight(op, expert.down(), hidden, inter);
    }
  }

  void transposedExperts(Value x, Value gates, List<TransposedExpert> experts) {
    String op = "transposedExperts";
    mixture(op, x, gates, experts.size());
    long hidden = x.shape().dim(1);
    long inter = experts.getFirst().down().shape().dim(0);
    for (TransposedExpert expert : experts) {
      expertWeight(op, expert.gateUp(), hidden, 2 * inter);
      expertWeight(op, expert.down(), inter, hidden);
    }
  }

  private void mixture(String op, Value x, Value gates, int experts) {
    if (!(isF32(x)
        && isF32(gates)
        && x.shape().rank() == 2
        && experts > 0
        && gates.shape().equals(Shape.of(x.shape().dim(0), experts)))) {
      throw failed(
          op,
          "input "
              + x.shape()
              + " and gates "
              + gates.shape()
              + " of "
              + experts
              + " experts must be [n, hidden] and [n, experts]");
    }
  }

  private void expertWeight(String op, Weight weight, long rows, long columns) {
    if (!weight.shape().equals(Shape.of(rows, columns))) {
      throw failed(
          op,
          weight.name()
              + " "
              + weight.shape()
              + " must be ["
              + rows
              + ", "
              + columns
              + "] beside the input and the first expert");
    }
    numeric(op, weight);
  }

  void position(String op, Value position) {
    if (!(position.dtype() == DType.I32 && position.shape().equals(Shape.of(1)))) {
      throw failed(op, "the position must be I32[1], not " + position.dtype() + position.shape());
    }
  }

  static boolean isIds(Value ids, int rank) {
    return ids.dtype() == DType.I32 && ids.shape().rank() == rank;
  }

  static boolean isF32(Value value) {
    return value.dtype() == DType.F32;
  }

  private static boolean isFloatOperand(Value value) {
    return value.dtype().isFloat();
  }

  /** Returns the error that operands do not fit; whoever checks them asks for it only then. */
  ModelException failed(String op, String problem) {
    return new ModelException(
        (layer.isEmpty() ? "graph" : layer) + ": " + op + ": " + problem + ".");
  }
}
