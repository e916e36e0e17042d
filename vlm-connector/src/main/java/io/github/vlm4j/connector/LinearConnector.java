package io.github.vlm4j.connector;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.nn.Linear;

/**
 * One affine map of each hidden state, as the first LLaVA had it (Liu et al., "Visual Instruction
 * Tuning", 2023).
 *
 * @param linear {@code [hidden → outputSize]}
 */
public record LinearConnector(Linear linear) implements Connector {

  @Override
  public int reduction() {
    return 1;
  }

  @Override
  public int outputSize() {
    return (int) linear.weight().shape().dim(0);
  }

  @Override
  public Value connect(GraphBuilder g, Value features) {
    return linear.apply(g, features);
  }
}
