package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.nn.Layer;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.Mlp;
import io.github.vlm4j.core.nn.RmsNorm;
import io.github.vlm4j.core.weights.WeightScope;

/** What the generations of Qwen's vision towers put into their blocks. */
public enum QwenVisionDesign {
  /** Layer norms and an MLP {@code fc1}, {@code fc2}; the patch embedding has no bias. */
  QWEN2,
  /** RMS norms and a gated MLP; the patch embedding has no bias. */
  QWEN2_5,
  /** Layer norms and an MLP {@code linear_fc1}, {@code linear_fc2}. */
  QWEN3;

  private static final float NORM_EPS = 1e-6f;

  /** Returns whether the patch embedding has a bias. */
  boolean patchBias() {
    return this == QWEN3;
  }

  /**
   * Takes a norm's parameters.
   *
   * @param size the length of a row
   */
  public Layer norm(WeightScope scope, int size) {
    return switch (this) {
      case QWEN2, QWEN3 -> LayerNorm.of(scope, size, NORM_EPS);
      case QWEN2_5 -> RmsNorm.of(scope, size, NORM_EPS);
    };
  }

  /** Takes an MLP's parameters. */
  Layer mlp(WeightScope scope, int hidden, int intermediate, Activation activation) {
    return switch (this) {
      case QWEN2 -> Mlp.of(scope, hidden, intermediate, activation);
      case QWEN2_5 -> gated(scope, hidden, intermediate, activation);
      case QWEN3 ->
          new Mlp(
              Linear.of(scope.at("linear_fc1"), hidden, intermediate),
              activation,
              Linear.of(scope.at("linear_fc2"), intermediate, hidden));
    };
  }

  private static Layer gated(
      WeightScope scope, int hidden, int intermediate, Activation activation) {
    Linear gate = Linear.of(scope.at("gate_proj"), hidden, intermediate);
    Linear up = Linear.of(scope.at("up_proj"), hidden, intermediate);
    Linear down = Linear.of(scope.at("down_proj"), intermediate, hidden);
    return (g, x) -> down.apply(g, g.gate(activation, gate.apply(g, x), up.apply(g, x)));
  }
}
