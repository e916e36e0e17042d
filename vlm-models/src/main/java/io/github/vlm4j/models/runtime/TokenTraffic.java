package io.github.vlm4j.models.runtime;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Counts the bytes that have to be read from memory to write one token: the weights of linear
 * layers and of chosen experts, and the keys and values that are seen, beside which all else is
 * small.
 */
final class TokenTraffic {

  private TokenTraffic() {}

  /**
   * Returns the bytes.
   *
   * @param step the graph of one token
   * @param context how many tokens there are in the cache
   */
  static double of(Graph step, double context) {
    return step.values().stream().mapToDouble(value -> of(value, context)).sum();
  }

  /** Returns the type in which most bytes of linear layers' and experts' weights are stored. */
  static DType weightType(Graph step) {
    Map<DType, Double> bytes = new EnumMap<>(DType.class);
    for (Value value : step.values()) {
      int first = value.op() instanceof Op.Experts ? 2 : 1;
      if (value.op() instanceof Op.Linear || value.op() instanceof Op.Experts) {
        for (Value weight : value.operands().subList(first, value.operands().size())) {
          bytes.merge(weight.dtype(), bytes(weight), Double::sum);
        }
      }
    }
    return bytes.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(DType.F32);
  }

  private static double of(Value value, double context) {
    return switch (value.op()) {
      case Op.Linear linear -> bytes(value.operands().get(1));
      case Op.Experts experts -> {
        Value gates = value.operands().get(1);
        List<Value> weights = value.operands().subList(2, value.operands().size());
        double all = weights.stream().mapToDouble(TokenTraffic::bytes).sum();
        double count = gates.shape().dim(1);
        double used = gates.op() instanceof Op.Route route ? route.chosen() : count;
        yield all * used / count;
      }
      case Op.CachedAttention attention -> {
        double seen = attention.window() == 0 ? context : Math.min(context, attention.window());
        yield seen * (row(value.operands().get(1)) + row(value.operands().get(2)));
      }
      default -> 0;
    };
  }

  private static double bytes(Value weight) {
    return weight.dtype().bytes(weight.shape().elements());
  }

  /** Returns the bytes of one token in a state {@code [heads, capacity, d]}. */
  private static double row(Value state) {
    Shape shape = state.shape();
    return state.dtype().bytes(shape.dim(0) * shape.dim(2));
  }
}
