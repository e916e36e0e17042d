package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Optional;

/**
 * Holds the parameters of a model by name: a checkpoint on disk, random numbers for a benchmark, or
 * nothing but declarations when only the configuration is known.
 */
public interface WeightSource {

  /**
   * Returns whether there is a tensor of that name.
   *
   * @param name the full name, such as {@code model.visual.pos_embed.weight}
   */
  boolean contains(String name);

  /**
   * Returns the description of a tensor that a layer needs.
   *
   * @param name the full name
   * @param expected the shape the layer computes with
   * @throws io.github.vlm4j.core.ModelException if it is missing or has another shape
   */
  Weight require(String name, Shape expected);

  /**
   * Returns a tensor's data without copying it.
   *
   * @param name the full name
   * @throws io.github.vlm4j.core.VlmException if this source has no data of that name
   */
  Tensor tensor(String name);

  /**
   * Returns how an adapter changes the linear map at a path; most sources have none.
   *
   * @param path the map's name, without {@code weight}
   */
  default Optional<LowRank> lowRank(String path) {
    return Optional.empty();
  }
}
