package io.github.vlm4j.connector;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.nn.Layer;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * Joins blocks of neighbouring patches and maps each block to one embedding with a two-layer GELU
 * MLP. Patches come in merge-block order, so that joining is a change of shape. Reference:
 * transformers, {@code PatchMerger} of Qwen2-VL, {@code Qwen2_5_VLPatchMerger}, {@code
 * Qwen3VLVisionPatchMerger}.
 */
public final class PatchMerger implements Connector {

  /** Whether the norm sees single patches or joined blocks. */
  public enum NormPlace {
    /** Each patch is normalised by itself, then blocks are joined: the main merger. */
    BEFORE_SHUFFLE,
    /** Blocks are joined, then normalised as a whole: the DeepStack mergers. */
    AFTER_SHUFFLE
  }

  private static final float NORM_EPS = 1e-6f;

  private final int reduction;
  private final int outputSize;
  private final long joinedSize;
  private final NormPlace normPlace;
  private final Layer norm;
  private final Linear fc1;
  private final Linear fc2;

  private PatchMerger(
      int reduction, int outputSize, NormPlace normPlace, Layer norm, Linear fc1, Linear fc2) {
    this.reduction = reduction;
    this.outputSize = outputSize;
    this.joinedSize = fc1.weight().shape().dim(1);
    this.normPlace = normPlace;
    this.norm = norm;
    this.fc1 = fc1;
    this.fc2 = fc2;
  }

  /**
   * Takes the parameters of a merger of Qwen3-VL: {@code norm}, {@code linear_fc1}, {@code
   * linear_fc2}.
   *
   * @param hiddenSize the length of a patch's hidden state
   * @param mergeSize the side of a block in patches
   * @param outputSize the length of an embedding
   * @param normPlace where the norm stands
   * @param scope where the parameters begin, such as {@code model.visual.merger}
   */
  public static PatchMerger qwen3(
      int hiddenSize, int mergeSize, int outputSize, NormPlace normPlace, WeightScope scope) {
    int reduction = mergeSize * mergeSize;
    long joined = (long) hiddenSize * reduction;
    long normSize = normPlace == NormPlace.BEFORE_SHUFFLE ? hiddenSize : joined;
    return new PatchMerger(
        reduction,
        outputSize,
        normPlace,
        LayerNorm.of(scope.at("norm"), normSize, NORM_EPS),
        Linear.of(scope.at("linear_fc1"), joined, joined),
        Linear.of(scope.at("linear_fc2"), joined, outputSize));
  }

  /**
   * Takes the parameters of a merger of Qwen2-VL or Qwen2.5-VL: {@code mlp.0} and {@code mlp.2}.
   *
   * @param hiddenSize the length of a patch's hidden state
   * @param mergeSize the side of a block in patches
   * @param outputSize the length of an embedding
   * @param norm what each patch is normalised by, {@code ln_q}
   * @param scope where the parameters begin, such as {@code visual.merger}
   */
  public static PatchMerger qwen2(
      int hiddenSize, int mergeSize, int outputSize, Layer norm, WeightScope scope) {
    int reduction = mergeSize * mergeSize;
    long joined = (long) hiddenSize * reduction;
    return new PatchMerger(
        reduction,
        outputSize,
        NormPlace.BEFORE_SHUFFLE,
        norm,
        Linear.of(scope.at("mlp.0"), joined, joined),
        Linear.of(scope.at("mlp.2"), joined, outputSize));
  }

  @Override
  public int reduction() {
    return reduction;
  }

  @Override
  public int outputSize() {
    return outputSize;
  }

  @Override
  public Value connect(GraphBuilder g, Value features) {
    Value joined =
        switch (normPlace) {
          case BEFORE_SHUFFLE -> norm.apply(g, features).reshape(-1, joinedSize);
          case AFTER_SHUFFLE -> norm.apply(g, features.reshape(-1, joinedSize));
        };
    return fc2.apply(g, g.activate(Activation.GELU, fc1.apply(g, joined)));
  }
}
