package io.github.vlm4j.connector;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A multi-layer perceptron over each hidden state, a non-linearity between its layers and none
 * after the last (Liu et al., "Improved Baselines with Visual Instruction Tuning", 2023). What its
 * parameters are called differs from family to family, so that they are taken by the caller.
 *
 * @param norm what is applied before the first layer, if anything
 * @param activation the non-linearity between two layers
 * @param layers {@code [hidden → …]}, …, {@code [… → outputSize]}
 */
public record MlpConnector(Optional<LayerNorm> norm, Activation activation, List<Linear> layers)
    implements Connector {

  /** Keeps an immutable copy; there must be a layer. */
  public MlpConnector {
    layers = List.copyOf(layers);
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("An MLP without layers");
    }
  }

  /** Returns an MLP without a norm. */
  public static MlpConnector of(Activation activation, Linear... layers) {
    return new MlpConnector(Optional.empty(), activation, Arrays.asList(layers));
  }

  /** Returns an MLP that reads normalised hidden states. */
  public static MlpConnector normed(LayerNorm norm, Activation activation, Linear... layers) {
    return new MlpConnector(Optional.of(norm), activation, Arrays.asList(layers));
  }

  @Override
  public int reduction() {
    return 1;
  }

  @Override
  public int outputSize() {
    return (int) layers.getLast().weight().shape().dim(0);
  }

  /**
   * {@inheritDoc}
   *
   * @throws io.github.vlm4j.core.ModelException if a layer's input is not of the size that comes
   *     before it
   */
  @Override
  public Value connect(GraphBuilder g, Value features) {
    Value normed = norm.isPresent() ? norm.get().apply(g, features) : features;
    Value h = layers.getFirst().apply(g, normed);
    for (Linear layer : layers.subList(1, layers.size())) {
      h = layer.apply(g, g.activate(activation, h));
    }
    return h;
  }
}
