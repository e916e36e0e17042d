package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * Two linear maps and a non-linearity between them.
 *
 * @param fc1 {@code [hidden → intermediate]}
 * @param activation the non-linearity
 * @param fc2 {@code [intermediate → hidden]}
 */
public record Mlp(Linear fc1, Activation activation, Linear fc2) implements Layer {

  /** Takes {@code fc1} and {@code fc2} of a scope. */
  public static Mlp of(WeightScope scope, long hidden, long intermediate, Activation activation) {
    return new Mlp(
        Linear.of(scope.at("fc1"), hidden, intermediate),
        activation,
        Linear.of(scope.at("fc2"), intermediate, hidden));
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    return fc2.apply(g, g.activate(activation, fc1.apply(g, x)));
  }
}
