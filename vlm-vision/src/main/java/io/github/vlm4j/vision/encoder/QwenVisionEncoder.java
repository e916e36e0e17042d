package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The vision towers of Qwen2-VL, Qwen2.5-VL and Qwen3-VL: a pre-norm ViT over patches in
 * merge-block order with two-dimensional rotary embeddings and no final norm. Rows see only rows of
 * their own temporal patch, so that frames of a video are read one by one; in most blocks of
 * Qwen2.5-VL they see only their window. Qwen3-VL adds an interpolated table of learned positions.
 * Reference: transformers, {@code Qwen2VisionTransformerPretrainedModel}, {@code
 * Qwen2_5_VisionTransformerPretrainedModel}, {@code Qwen3VLVisionModel}.
 *
 * <p>Hidden states are in the patches' order, whatever the windows; attention weights are in the
 * order of the windows where there are any.
 */
public final class QwenVisionEncoder implements VisionEncoder {

  private final QwenVisionConfig config;
  private final Linear patchEmbed;
  private final @Nullable Weight positions;
  private final List<QwenVisionBlock> blocks = new ArrayList<>();

  /**
   * Takes the tower's parameters.
   *
   * @param scope where they begin: {@code visual} or {@code model.visual}
   */
  public QwenVisionEncoder(QwenVisionConfig config, WeightScope scope) {
    this.config = config;
    patchEmbed = patchEmbed(config, scope.at("patch_embed.proj"));
    positions =
        config.positionGridSize() == 0
            ? null
            : positions(config.positionGridSize(), config.hiddenSize(), scope.at("pos_embed"));
    for (int i = 0; i < config.depth(); i++) {
      blocks.add(new QwenVisionBlock(config, scope.at("blocks." + i)));
    }
  }

  /** A Conv3d whose stride is its kernel is a linear map of each patch's numbers. */
  private static Linear patchEmbed(QwenVisionConfig config, WeightScope scope) {
    PatchLayout patch = config.patches();
    int side = patch.patchSize();
    scope.named(
        "Conv3d("
            + patch.channels()
            + " → "
            + config.hiddenSize()
            + ", kernel=stride=("
            + patch.temporalPatchSize()
            + ", "
            + side
            + ", "
            + side
            + "))");
    Weight kernel =
        scope.has("frame.0.weight")
            ? FrameKernels.joined(scope, config.hiddenSize(), patch)
            : scope.get(
                "weight",
                config.hiddenSize(),
                patch.channels(),
                patch.temporalPatchSize(),
                side,
                side);
    return new Linear(
        kernel.reshape(config.hiddenSize(), patch.elements()),
        config.design().patchBias() ? scope.get("bias", config.hiddenSize()) : null);
  }

  private static Weight positions(int side, int hidden, WeightScope scope) {
    return scope
        .named("Embedding(" + side + "², " + hidden + ")")
        .get("weight", (long) side * side, hidden);
  }

  @Override
  public int hiddenSize() {
    return config.hiddenSize();
  }

  /** Returns {@code [patches, channels · temporalPatch · patch · patch]}. */
  @Override
  public Shape pixelShape(PatchGrid grid) {
    return Shape.of(grid.patches(), config.patches().elements());
  }

  @Override
  public VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid) {
    PatchOrder patches = PatchOrder.of(grid, config.patches().mergeSize());
    Value embedded = patchEmbed.apply(g.at("patch_embed"), pixels);
    if (positions != null) {
      embedded =
          embedded.plus(
              patches.interpolated(g.at("pos_embed"), positions, config.positionGridSize()));
    }

    WindowOrder windows = windows(grid);
    QwenVisionBlock.Rotary rotary =
        patches
            .rearranged(windows.patches())
            .rotary(g.at("rotary"), config.headDim(), config.ropeTheta());
    Value h = windows.arrange(g.at("windows"), embedded);
    List<Value> hiddenStates = new ArrayList<>(List.of(embedded));
    List<Value> attentions = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      List<Integer> segments = windows.segments(config.seesWholeFrames(i));
      h = blocks.get(i).apply(g.at("blocks." + i), h, rotary, segments, attentions);
      hiddenStates.add(windows.restore(g.at("windows"), h));
    }
    return VisionFeatures.ofPatches(hiddenStates, attentions, hiddenStates.getLast());
  }

  private WindowOrder windows(PatchGrid grid) {
    return config
        .windows()
        .map(window -> WindowOrder.of(grid, config.patches().mergeSize(), window.side()))
        .orElseGet(() -> WindowOrder.none(grid));
  }
}
