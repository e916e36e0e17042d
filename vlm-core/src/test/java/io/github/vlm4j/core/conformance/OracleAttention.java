package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import java.util.List;

/** Attention and rotary positions in double precision, one query row of one head at a time. */
final class OracleAttention {

  private OracleAttention() {}

  static double[] rope(Op.Rope op, Value value, List<double[]> in) {
    double[] x = in.get(0);
    int rows = extent(value.shape(), 0);
    int heads = extent(value.shape(), 1);
    int headDim = extent(value.shape(), 2);
    int pairs = extent(value.operands().get(1).shape(), 1);
    double[] result = x.clone();
    for (int row = 0; row < rows; row++) {
      for (int head = 0; head < heads; head++) {
        int start = (row * heads + head) * headDim;
        for (int pair = 0; pair < pairs; pair++) {
          double cos = in.get(1)[row * pairs + pair];
          double sin = in.get(2)[row * pairs + pair];
          int first;
          int second;
          switch (op.pairing()) {
            case HALVES -> {
              first = start + pair;
              second = start + pairs + pair;
            }
            case INTERLEAVED -> {
              first = start + 2 * pair;
              second = start + 2 * pair + 1;
            }
            default -> throw new IllegalStateException(op.toString());
          }
          result[first] = x[first] * cos - x[second] * sin;
          result[second] = x[second] * cos + x[first] * sin;
        }
      }
    }
    return result;
  }

  static double[] attention(Op.Attention op, Value value, List<double[]> in) {
    Value q = value.operands().get(0);
    Value k = value.operands().get(1);
    int rows = extent(q.shape(), 0);
    Value v = value.operands().get(2);
    int heads = extent(q.shape(), 1);
    int valueDim = extent(value.shape(), 2);
    double[] result = new double[rows * heads * valueDim];
    for (int row = 0; row < rows; row++) {
      int[] keys = keys(op.causal(), op.segments(), op.keySegments(), row);
      for (int head = 0; head < heads; head++) {
        double[] weights =
            softmax(
                scores(q, in, row, head, Rows.of(k, head, heads), keys[0], keys[1], op.scale()));
        average(value, in.get(2), Rows.of(v, head, heads), weights, row, head, keys[0], result);
      }
    }
    return result;
  }

  static double[] weights(Op.AttentionWeights op, Value value, List<double[]> in) {
    Value q = value.operands().get(0);
    Value k = value.operands().get(1);
    int heads = extent(value.shape(), 0);
    int rows = extent(value.shape(), 1);
    int all = extent(value.shape(), 2);
    double[] result = new double[heads * rows * all];
    for (int head = 0; head < heads; head++) {
      for (int row = 0; row < rows; row++) {
        int[] keys = keys(op.causal(), op.segments(), op.keySegments(), row);
        double[] weights =
            softmax(
                scores(q, in, row, head, Rows.of(k, head, heads), keys[0], keys[1], op.scale()));
        System.arraycopy(weights, 0, result, (head * rows + row) * all + keys[0], weights.length);
      }
    }
    return result;
  }

  static double[] cached(Op.CachedAttention op, Value value, List<double[]> in) {
    Value q = value.operands().get(0);
    Value k = value.operands().get(1);
    Value v = value.operands().get(2);
    int heads = extent(q.shape(), 1);
    int position = (int) in.get(3)[0];
    double[] result = new double[Math.toIntExact(value.shape().elements())];
    for (int row = 0; row < extent(q.shape(), 0); row++) {
      int to = position + row + 1;
      int from = op.window() == 0 ? 0 : Math.max(0, to - op.window());
      for (int head = 0; head < heads; head++) {
        Rows keys = Rows.ofCache(k, head, heads);
        double[] weights = softmax(scores(q, in, row, head, keys, from, to, op.scale()));
        average(value, in.get(2), Rows.ofCache(v, head, heads), weights, row, head, from, result);
      }
    }
    return result;
  }

  /**
   * Where the keys or values that a query head reads lie.
   *
   * @param first the element at which the first begins
   * @param step the elements from one to the next
   */
  private record Rows(int first, int step) {

    /** Returns those of {@code [rows, keyHeads, d]}. */
    static Rows of(Value k, int head, int heads) {
      int keyHeads = extent(k.shape(), 1);
      int size = extent(k.shape(), 2);
      return new Rows(head * keyHeads / heads * size, keyHeads * size);
    }

    /** Returns those of {@code [keyHeads, capacity, d]}. */
    static Rows ofCache(Value k, int head, int heads) {
      int keyHeads = extent(k.shape(), 0);
      int size = extent(k.shape(), 2);
      return new Rows(head * keyHeads / heads * extent(k.shape(), 1) * size, size);
    }
  }

  /** Returns the scaled products of one query with the keys of rows {@code from} to {@code to}. */
  private static double[] scores(
      Value q, List<double[]> in, int row, int head, Rows keys, int from, int to, double scale) {
    int heads = extent(q.shape(), 1);
    int headDim = extent(q.shape(), 2);
    double[] scores = new double[to - from];
    for (int key = from; key < to; key++) {
      double product = 0;
      for (int i = 0; i < headDim; i++) {
        product +=
            in.get(0)[(row * heads + head) * headDim + i]
                * in.get(1)[keys.first() + key * keys.step() + i];
      }
      scores[key - from] = product * scale;
    }
    return scores;
  }

  static double[] softmax(double[] scores) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double score : scores) {
      largest = Math.max(largest, score);
    }
    double[] weights = new double[scores.length];
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      weights[i] = Math.exp(scores[i] - largest);
      sum += weights[i];
    }
    for (int i = 0; i < scores.length; i++) {
      weights[i] /= sum;
    }
    return weights;
  }

  /** Writes the weighted average of the values of rows {@code from} on into one row and head. */
  private static void average(
      Value value,
      double[] v,
      Rows values,
      double[] weights,
      int row,
      int head,
      int from,
      double[] result) {
    int heads = extent(value.shape(), 1);
    int valueDim = extent(value.shape(), 2);
    for (int key = 0; key < weights.length; key++) {
      for (int i = 0; i < valueDim; i++) {
        result[(row * heads + head) * valueDim + i] +=
            weights[key] * v[values.first() + (from + key) * values.step() + i];
      }
    }
  }

  /** Returns the first key that a row sees, and one past the last. */
  private static int[] keys(
      boolean causal, List<Integer> segments, List<Integer> keySegments, int row) {
    int segment = 0;
    int start = 0;
    int keyStart = 0;
    while (row >= start + segments.get(segment)) {
      start += segments.get(segment);
      keyStart += keySegments.get(segment);
      segment++;
    }
    return new int[] {keyStart, causal ? row + 1 : keyStart + keySegments.get(segment)};
  }

  private static int extent(Shape shape, int axis) {
    return Math.toIntExact(shape.dim(axis));
  }
}
