package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * A gated MLP, {@code down(activation(gate(x)) · up(x))} (Shazeer, "GLU Variants Improve
 * Transformer", 2020).
 *
 * @param gate {@code [hidden → intermediate]}
 * @param up likewise
 * @param down {@code [intermediate → hidden]}
 * @param activation the gate's non-linearity
 */
record GatedMlp(Linear gate, Linear up, Linear down, Activation activation) implements FeedForward {

  /** Takes the three projections of a scope. */
  static GatedMlp of(
      DecoderNames.Mlp names, int hiddenSize, GqaDecoderConfig.Mlp config, WeightScope scope) {
    int middle = config.intermediateSize();
    return new GatedMlp(
        Linear.of(scope.at(names.gate()), hiddenSize, middle, config.bias()),
        Linear.of(scope.at(names.up()), hiddenSize, middle, config.bias()),
        Linear.of(scope.at(names.down()), middle, hiddenSize, config.bias()),
        config.hiddenAct());
  }

  @Override
  public Value apply(GraphBuilder g, Value x) {
    return down.apply(g, g.gate(activation, gate.apply(g, x), up.apply(g, x)));
  }
}
