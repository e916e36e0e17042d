package io.github.vlm4j.core.weights;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A place in the tree of tensor names, from which a layer takes its parameters: {@code
 * scope.at("attn").get("qkv.weight", 3 * hidden, hidden)}. Descending it as the checkpoint's names
 * do keeps a model's constructor readable beside the checkpoint's listing.
 */
public final class WeightScope {

  /** No model has a tensor of a trillion elements, and sums of sizes stay far from overflowing. */
  private static final long MAX_ELEMENTS = 1L << 40;

  private final DerivedWeights source;
  private final ModuleTree tree;
  private final String path;

  private WeightScope(DerivedWeights source, ModuleTree tree, String path) {
    this.source = source;
    this.tree = tree;
    this.path = path;
  }

  /** Returns the root of a source's names. */
  public static WeightScope of(WeightSource source) {
    return new WeightScope(new DerivedWeights(source), new ModuleTree(), "");
  }

  /**
   * Returns a place below this one.
   *
   * @param child one or more name parts, such as {@code layers.3}
   */
  public WeightScope at(String child) {
    return new WeightScope(source, tree, join(child));
  }

  /** Returns whether there is a tensor of that name below this place. */
  public boolean has(String name) {
    return source.contains(join(name));
  }

  /**
   * Returns a parameter.
   *
   * @param name its name below this place
   * @param dims the extents the layer computes with
   * @throws ModelException if it is missing, has another shape or no shape that can be
   */
  public Weight get(String name, long... dims) {
    Weight weight = source.require(join(name), shape(name, dims));
    tree.add(weight);
    return weight;
  }

  /**
   * Returns how an adapter changes the linear map at this place, if one does; its matrices are the
   * parameters {@code lora_A.weight} and {@code lora_B.weight}.
   */
  public Optional<LowRank> lowRank() {
    return source.lowRank(path);
  }

  /**
   * Returns a parameter that is computed from stored ones, once, when it is first read: a batch
   * norm folded into a convolution, a projection turned over.
   *
   * @param name its name below this place, which no stored tensor has
   * @param dims its extents
   * @param recipe computes it in f32; may read stored tensors through {@link #source}
   */
  public Weight derive(String name, long[] dims, Supplier<Tensor> recipe) {
    return derive(name, DType.F32, dims, recipe);
  }

  /**
   * Returns a parameter of some type that is computed likewise.
   *
   * @param dtype the type that the recipe computes
   * @param recipe computes it; may read stored tensors through {@link #source}
   */
  public Weight derive(String name, DType dtype, long[] dims, Supplier<Tensor> recipe) {
    return source.derive(join(name), dtype, shape(name, dims), recipe);
  }

  /** Returns the data of every parameter that was asked for or derived here. */
  public WeightSource source() {
    return source;
  }

  /** The extents come from a configuration file, which may hold any numbers. */
  private Shape shape(String name, long[] dims) {
    try {
      Shape shape = Shape.of(dims);
      if (shape.elements() <= MAX_ELEMENTS) {
        return shape;
      }
    } catch (ArithmeticException | IllegalArgumentException impossible) {
      // Said below, together with what is merely too large.
    }
    throw new ModelException(
        "Tensor "
            + join(name)
            + " cannot have the shape "
            + Arrays.toString(dims)
            + " that config.json calls for; its sizes are damaged or far too large.");
  }

  /**
   * Says what kind of module stands at this place, for the printed tree.
   *
   * @param kind such as {@code RMSNorm} or {@code Linear(128, 320)}
   * @return this place
   */
  public WeightScope named(String kind) {
    tree.name(path, kind);
    return this;
  }

  /** Returns the full name of this place, empty at the root. */
  public String path() {
    return path;
  }

  /** Returns the modules and parameters that were asked for so far, from the root on. */
  public ModuleTree tree() {
    return tree;
  }

  private String join(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }
}
