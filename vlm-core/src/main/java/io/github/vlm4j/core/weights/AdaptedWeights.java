package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Optional;

/**
 * A model's parameters together with an adapter of some of its linear maps, which find the tensors
 * {@code lora_A.weight} and {@code lora_B.weight} beside their own. No parameter is changed or
 * copied.
 *
 * @param model the parameters
 * @param adapter the adapter; it must stay open as long as the weights are used
 */
public record AdaptedWeights(WeightSource model, LoraAdapter adapter) implements WeightSource {

  @Override
  public boolean contains(String name) {
    return model.contains(name) || adapter.contains(name);
  }

  @Override
  public Weight require(String name, Shape expected) {
    return adapter.contains(name) ? adapter.require(name, expected) : model.require(name, expected);
  }

  @Override
  public Tensor tensor(String name) {
    return adapter.contains(name) ? adapter.tensor(name) : model.tensor(name);
  }

  @Override
  public Optional<LowRank> lowRank(String path) {
    return adapter.of(path).or(() -> model.lowRank(path));
  }
}
