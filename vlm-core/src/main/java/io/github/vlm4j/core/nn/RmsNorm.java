package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * A root-mean-square norm over the last dimension (Zhang and Sennrich, 2019).
 *
 * @param weight {@code [n]}
 * @param eps what is added to the mean square
 */
public record RmsNorm(Weight weight, float eps) implements Layer {

  /** Takes {@code weight} of a scope. */
  public static RmsNorm of(WeightScope scope, long size, float eps) {
    scope.named("RMSNorm(" + size + ", eps=" + eps + ")");
    return new RmsNorm(scope.get("weight", size), eps);
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    return g.rmsNorm(x, weight, eps);
  }
}
