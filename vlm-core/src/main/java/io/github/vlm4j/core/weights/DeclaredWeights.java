package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;

/**
 * Parameters known by declaration only: whatever a model asks for exists, in one element type, and
 * has no data. This is how a model is laid out from its configuration alone.
 *
 * @param dtype the type that every parameter is taken to be stored in
 */
public record DeclaredWeights(DType dtype) implements WeightSource {

  /** Returns false: optional tensors are taken to be absent unless the configuration asks. */
  @Override
  public boolean contains(String name) {
    return false;
  }

  @Override
  public Weight require(String name, Shape expected) {
    return Weight.of(name, dtype, expected);
  }

  @Override
  public Tensor tensor(String name) {
    throw new ModelException(
        "The weights of "
            + name
            + " are not loaded: this model was laid out from its "
            + "configuration alone; open the folder that holds its *.safetensors files to run it.");
  }
}
