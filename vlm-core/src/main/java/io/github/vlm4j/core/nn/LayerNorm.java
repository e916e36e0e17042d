package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * A layer norm over the last dimension (Ba et al., 2016).
 *
 * @param weight {@code [n]}
 * @param bias {@code [n]}
 * @param eps what is added to the variance
 */
public record LayerNorm(Weight weight, Weight bias, float eps) implements Layer {

  /** Takes {@code weight} and {@code bias} of a scope. */
  public static LayerNorm of(WeightScope scope, long size, float eps) {
    scope.named("LayerNorm(" + size + ", eps=" + eps + ")");
    return new LayerNorm(scope.get("weight", size), scope.get("bias", size), eps);
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    return g.layerNorm(x, weight, bias, eps);
  }
}
