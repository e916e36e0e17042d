package io.github.vlm4j.connector;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Connector;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;

/**
 * Joins blocks of neighbouring patches and maps each block to one embedding with a two-layer GELU
 * MLP. Patches come in merge-block order, so that joining is a change of shape. Reference:
 * transformers, {@code models/qwen3_vl/modeling_qwen3_vl.py}, {@code Qwen3VLVisionPatchMerger}.
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
  private final int joinedSize;
  private final NormPlace normPlace;
  private final LayerNorm norm;
  private final Linear fc1;
  private final Linear fc2;

  /**
   * Takes the merger's parameters.
   *
   * @param hiddenSize the length of a patch's hidden state
   * @param mergeSize the side of a block in patches
   * @param outputSize the length of an embedding
   * @param normPlace where the norm stands
   * @param scope where the parameters begin, such as {@code model.visual.merger}
   */
  public PatchMerger(
      int hiddenSize, int mergeSize, int outputSize, NormPlace normPlace, WeightScope scope) {
    this.reduction = mergeSize * mergeSize;
    this.joinedSize = Math.multiplyExact(hiddenSize, reduction);
    this.outputSize = outputSize;
    this.normPlace = normPlace;
    int normSize = normPlace == NormPlace.BEFORE_SHUFFLE ? hiddenSize : joinedSize;
    norm = LayerNorm.of(scope.at("norm"), normSize, NORM_EPS);
    fc1 = Linear.of(scope.at("linear_fc1"), joinedSize, joinedSize);
    fc2 = Linear.of(scope.at("linear_fc2"), joinedSize, outputSize);
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
