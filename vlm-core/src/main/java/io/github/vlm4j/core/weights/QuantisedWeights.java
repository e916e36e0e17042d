package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.quant.QuantisationPlan;
import io.github.vlm4j.core.quant.RowQuantiser;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Parameters of another source, quantised when they are first read and kept in memory: for trying
 * what quantisation does to a model. A quantised checkpoint opens faster and need not fit twice.
 */
public final class QuantisedWeights implements WeightSource, AutoCloseable {

  private final WeightSource source;
  private final QuantisationPlan plan;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Tensor> quantised = new ConcurrentHashMap<>();

  /**
   * Creates a source.
   *
   * @param source holds the parameters as they are; it must stay open as long as this is used
   * @param plan says which are quantised
   */
  public QuantisedWeights(WeightSource source, QuantisationPlan plan) {
    this.source = source;
    this.plan = plan;
  }

  @Override
  public boolean contains(String name) {
    return source.contains(name);
  }

  @Override
  public Weight require(String name, Shape expected) {
    Weight stored = source.require(name, expected);
    return Weight.of(name, plan.typeOf(name, stored.dtype(), expected), expected);
  }

  @Override
  public Tensor tensor(String name) {
    Tensor known = quantised.get(name);
    return known == null ? quantised.computeIfAbsent(name, this::read) : known;
  }

  private Tensor read(String name) {
    Tensor stored = source.tensor(name);
    DType type = plan.typeOf(name, stored.dtype(), stored.shape());
    if (type == stored.dtype()) {
      return stored;
    }
    Tensor result = Tensor.allocate(type, stored.shape(), arena);
    RowQuantiser rows = new RowQuantiser(name, stored, type);
    long elements = stored.shape().elements();
    for (long from = 0; from < elements; from += RowQuantiser.PART) {
      int count = (int) Math.min(RowQuantiser.PART, elements - from);
      rows.encode(from, count, result.data().asSlice(type.bytes(from), type.bytes(count)));
    }
    return result;
  }

  @Override
  public Optional<LowRank> lowRank(String path) {
    return source.lowRank(path);
  }

  /** Frees the memory; tensors taken from this source can no longer be read. */
  @Override
  public void close() {
    arena.close();
  }
}
