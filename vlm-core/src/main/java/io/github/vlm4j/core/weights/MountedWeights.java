package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Map;

/**
 * The parameters of a model that is stored in several checkpoints: one at the root of the names,
 * each other one below a name of its own. A tensor {@code a.b} of the checkpoint at {@code part} is
 * called {@code part.a.b}.
 *
 * @param root what has all other names
 * @param mounts the other sources by the first part of their names, in which there is no dot
 */
public record MountedWeights(WeightSource root, Map<String, WeightSource> mounts)
    implements WeightSource {

  /** Keeps an immutable copy. */
  public MountedWeights {
    mounts = Map.copyOf(mounts);
  }

  @Override
  public boolean contains(String name) {
    return source(name).contains(local(name));
  }

  @Override
  public Weight require(String name, Shape expected) {
    Weight weight = source(name).require(local(name), expected);
    return new Weight(name, weight.dtype(), weight.shape(), weight.firstRow());
  }

  @Override
  public Tensor tensor(String name) {
    return source(name).tensor(local(name));
  }

  private WeightSource source(String name) {
    return mounts.getOrDefault(first(name), root);
  }

  private String local(String name) {
    String first = first(name);
    return mounts.containsKey(first) ? name.substring(first.length() + 1) : name;
  }

  private static String first(String name) {
    int dot = name.indexOf('.');
    return dot < 0 ? "" : name.substring(0, dot);
  }
}
