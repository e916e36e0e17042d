package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How much a row uses an expert that is always there: {@code σ(w·x)}, computed as the first of the
 * softmax of {@code (w·x, 0)}, which is the same.
 */
final class ScalarGate {

  private final Linear logits;

  ScalarGate(int hidden, WeightScope scope) {
    Weight stored = scope.get("weight", 1, hidden);
    Weight withZero =
        scope.derive(
            "weight.with_zero",
            new long[] {2, hidden},
            () -> {
              float[] row = stored.of(scope.source().tensor(stored.name())).toFloats();
              return Tensor.ofFloats(Arrays.copyOf(row, 2 * hidden), 2, hidden);
            });
    logits = new Linear(withZero, null);
  }

  /** Adds an expert's result, multiplied, to a graph. */
  Value apply(GraphBuilder g, Value x, GatedMlp expert) {
    int rows = Math.toIntExact(x.shape().dim(0));
    Value both = g.route(logits.apply(g, x), 2, false).reshape(2L * rows, 1);
    int[] first = IntStream.range(0, rows).map(row -> 2 * row).toArray();
    Value shares = g.gather(both, g.constant(Tensor.ofInts(first, rows)));
    Expert weights =
        new Expert(expert.gate().weight(), expert.up().weight(), expert.down().weight());
    return g.experts(x, shares, List.of(weights), expert.activation());
  }
}
