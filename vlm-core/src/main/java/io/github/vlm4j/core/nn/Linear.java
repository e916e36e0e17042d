package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import org.jspecify.annotations.Nullable;

/**
 * An affine map of the last dimension, {@code [.., in] → [.., out]}.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}, or null
 */
public record Linear(Weight weight, @Nullable Weight bias) {

  /** Takes {@code weight} and {@code bias} of a scope. */
  public static Linear of(WeightScope scope, long in, long out) {
    scope.named("Linear(" + in + " → " + out + ", bias)");
    return new Linear(scope.get("weight", out, in), scope.get("bias", out));
  }

  /** Takes {@code weight} of a scope; there is no bias. */
  public static Linear withoutBias(WeightScope scope, long in, long out) {
    scope.named("Linear(" + in + " → " + out + ")");
    return new Linear(scope.get("weight", out, in), null);
  }

  /** Returns the map of some of the outputs only, as fused projections are used in parts. */
  public Linear outputs(long from, long to) {
    return new Linear(weight.rows(from, to), bias == null ? null : bias.rows(from, to));
  }

  /** Adds this layer to a graph. */
  public Value apply(GraphBuilder g, Value x) {
    return g.linear(x, weight, bias);
  }
}
