package io.github.vlm4j.core.weights;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The modules of a model and their parameters, in the order the model asked for them. It knows
 * types and shapes only, so that a model can be inspected with no weights loaded.
 */
public final class ModuleTree {

  private final Map<String, String> kinds = new LinkedHashMap<>();
  private final Map<String, Weight> weights = new LinkedHashMap<>();

  ModuleTree() {}

  void name(String path, String kind) {
    kinds.put(path, kind);
  }

  void add(Weight weight) {
    weights.put(weight.name(), weight);
  }

  /** Returns every parameter by its full name. */
  public Map<String, Weight> weights() {
    return Collections.unmodifiableMap(weights);
  }

  /**
   * Returns what stands at a path.
   *
   * @param path a full name without the parameter's own part, such as {@code model.norm}
   */
  public Optional<String> kind(String path) {
    return Optional.ofNullable(kinds.get(path));
  }

  /** Returns every module that has a kind, by its full name. */
  public Map<String, String> kinds() {
    return Collections.unmodifiableMap(kinds);
  }

  /** Returns the number of parameters, each stored tensor counted once. */
  public long parameterCount() {
    return weights.values().stream().mapToLong(weight -> weight.shape().elements()).sum();
  }

  /** Returns the bytes of all parameters as they are stored. */
  public long byteSize() {
    return weights.values().stream()
        .mapToLong(weight -> weight.dtype().bytes(weight.shape().elements()))
        .sum();
  }
}
