package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.List;

/**
 * Counts the multiplications and additions of a graph: linear layers, experts, convolutions and
 * attention, beside which all else is small. Of experts those count that a router chooses, all if
 * it is no router that their gates come from. Attention over a cache counts as that of a prompt
 * which is read at once.
 */
final class Flops {

  private Flops() {}

  static double of(Graph graph) {
    return graph.values().stream().mapToDouble(Flops::of).sum();
  }

  private static double of(Value value) {
    return switch (value.op()) {
      case Op.Linear linear ->
          2.0 * value.shape().elements() * value.operands().get(0).shape().last();
      case Op.Experts experts -> {
        Value gates = value.operands().get(1);
        double used = gates.op() instanceof Op.Route route ? route.chosen() : gates.shape().dim(1);
        Value down = value.operands().getLast();
        yield 2 * 3 * used * value.shape().dim(0) * down.shape().elements();
      }
      case Op.Convolve convolve -> {
        Value kernel = value.operands().get(1);
        double products = (double) kernel.shape().elements() / kernel.shape().dim(0);
        yield 2 * products * value.shape().elements();
      }
      case Op.Attention attention -> {
        double pairs = pairs(attention.segments(), attention.keySegments());
        double heads = value.shape().dim(1);
        double lengths = value.operands().get(0).shape().dim(2) + value.shape().dim(2);
        yield 2 * pairs * heads * lengths;
      }
      case Op.CachedAttention attention -> {
        double heads = value.shape().dim(1);
        double lengths = value.operands().get(0).shape().dim(2) + value.shape().dim(2);
        yield 2 * pairs(value.shape().dim(0), attention.window()) * heads * lengths;
      }
      default -> 0;
    };
  }

  /** Of rows that begin a sequence each sees itself and those before it within its window. */
  private static double pairs(long rows, int window) {
    long seen = window == 0 ? rows : Math.min(rows, window);
    return seen * (seen + 1.0) / 2 + (double) (rows - seen) * seen;
  }

  private static double pairs(List<Integer> queries, List<Integer> keys) {
    double pairs = 0;
    for (int i = 0; i < queries.size(); i++) {
      pairs += (double) queries.get(i) * keys.get(i);
    }
    return pairs;
  }
}
