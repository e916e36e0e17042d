package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Stored parameters, and others that are computed from them when they are first read and kept from
 * then on. They live in native memory, as mapped ones do, until nothing refers to them.
 */
final class DerivedWeights implements WeightSource {

  private final WeightSource stored;
  private final Map<String, Supplier<Tensor>> recipes = new ConcurrentHashMap<>();
  private final Map<String, Tensor> computed = new ConcurrentHashMap<>();

  DerivedWeights(WeightSource stored) {
    this.stored = stored;
  }

  Weight derive(String name, DType dtype, Shape shape, Supplier<Tensor> recipe) {
    if (stored.contains(name)) {
      throw new ModelException(
          "The checkpoint has a tensor " + name + ", a name that is kept for a computed one.");
    }
    recipes.put(name, recipe);
    return Weight.of(name, dtype, shape);
  }

  @Override
  public boolean contains(String name) {
    return stored.contains(name);
  }

  @Override
  public Weight require(String name, Shape expected) {
    return stored.require(name, expected);
  }

  @Override
  public Tensor tensor(String name) {
    Supplier<Tensor> recipe = recipes.get(name);
    return recipe == null
        ? stored.tensor(name)
        : computed.computeIfAbsent(name, key -> nativeCopy(recipe.get()));
  }

  @Override
  public Optional<LowRank> lowRank(String path) {
    return stored.lowRank(path);
  }

  private static Tensor nativeCopy(Tensor tensor) {
    Tensor copy = Tensor.allocate(tensor.dtype(), tensor.shape(), Arena.ofAuto());
    copy.copyFrom(tensor);
    return copy;
  }
}
