package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The vision tower of Qwen3-VL: a pre-norm ViT over patches in merge-block order, with an
 * interpolated table of learned positions and two-dimensional rotary embeddings, full attention
 * within each temporal patch and no final norm. Reference: transformers, {@code
 * models/qwen3_vl/modeling_qwen3_vl.py}, {@code Qwen3VLVisionModel}.
 */
public final class QwenVisionEncoder implements VisionEncoder {

  private static final float NORM_EPS = 1e-6f;

  private final QwenVisionConfig config;
  private final Linear patchEmbed;
  private final Weight positions;
  private final List<Block> blocks = new ArrayList<>();

  /**
   * Takes the tower's parameters.
   *
   * @param scope where they begin: {@code model.visual}
   */
  public QwenVisionEncoder(QwenVisionConfig config, WeightScope scope) {
    this.config = config;
    patchEmbed = patchEmbed(config, scope.at("patch_embed.proj"));
    positions =
        scope
            .at("pos_embed")
            .named("Embedding(" + config.positionGridSize() + "², " + config.hiddenSize() + ")")
            .get(
                "weight",
                (long) config.positionGridSize() * config.positionGridSize(),
                config.hiddenSize());
    for (int i = 0; i < config.depth(); i++) {
      blocks.add(new Block(config, scope.at("blocks." + i)));
    }
  }

  /** A Conv3d whose stride is its kernel is a linear map of each patch's numbers. */
  private static Linear patchEmbed(QwenVisionConfig config, WeightScope scope) {
    int side = config.patchSize();
    scope.named(
        "Conv3d(%d → %d, kernel=stride=(%d, %d, %d))"
            .formatted(
                config.inChannels(), config.hiddenSize(), config.temporalPatchSize(), side, side));
    Weight kernel =
        scope.get(
            "weight",
            config.hiddenSize(),
            config.inChannels(),
            config.temporalPatchSize(),
            side,
            side);
    return new Linear(
        kernel.reshape(config.hiddenSize(), config.patchElements()),
        scope.get("bias", config.hiddenSize()));
  }

  @Override
  public int hiddenSize() {
    return config.hiddenSize();
  }

  /** Returns {@code [patches, channels · temporalPatch · patch · patch]}. */
  @Override
  public Shape pixelShape(PatchGrid grid) {
    return Shape.of(grid.patches(), config.patchElements());
  }

  @Override
  public VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid) {
    PatchOrder order = PatchOrder.of(grid, config.spatialMergeSize());
    Value learned = order.interpolated(g.at("pos_embed"), positions, config.positionGridSize());
    Rotary rotary = order.rotary(g.at("rotary"), config.headDim(), config.ropeTheta());

    Value h = patchEmbed.apply(g.at("patch_embed"), pixels).plus(learned);
    List<Value> hiddenStates = new ArrayList<>(List.of(h));
    List<Value> attentions = new ArrayList<>();
    // Rows see only rows of their own temporal patch: frames of a video are read one by one.
    List<Integer> segments = Collections.nCopies(grid.frames(), grid.height() * grid.width());
    for (int i = 0; i < blocks.size(); i++) {
      h = blocks.get(i).apply(g.at("blocks." + i), h, rotary, segments, attentions);
      hiddenStates.add(h);
    }
    return VisionFeatures.ofPatches(hiddenStates, attentions, h);
  }

  /** Cosines and sines, {@code [patches, headDim / 2]} each. */
  record Rotary(Value cos, Value sin) {
    Value turn(GraphBuilder g, Value heads) {
      return g.rope(heads, cos, sin, RopePairing.HALVES);
    }
  }

  /** One pre-norm transformer block. */
  private static final class Block {
    private final QwenVisionConfig config;
    private final LayerNorm norm1;
    private final LayerNorm norm2;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear proj;
    private final Linear fc1;
    private final Linear fc2;

    Block(QwenVisionConfig config, WeightScope scope) {
      this.config = config;
      int hidden = config.hiddenSize();
      norm1 = LayerNorm.of(scope.at("norm1"), hidden, NORM_EPS);
      norm2 = LayerNorm.of(scope.at("norm2"), hidden, NORM_EPS);
      Linear qkv = Linear.of(scope.at("attn.qkv"), hidden, 3L * hidden);
      query = qkv.outputs(0, hidden);
      key = qkv.outputs(hidden, 2L * hidden);
      value = qkv.outputs(2L * hidden, 3L * hidden);
      proj = Linear.of(scope.at("attn.proj"), hidden, hidden);
      fc1 = Linear.of(scope.at("mlp.linear_fc1"), hidden, config.intermediateSize());
      fc2 = Linear.of(scope.at("mlp.linear_fc2"), config.intermediateSize(), hidden);
    }

    Value apply(
        GraphBuilder g, Value x, Rotary rotary, List<Integer> segments, List<Value> attentions) {
      Value attended =
          attend(g.at("attn"), norm1.apply(g.at("norm1"), x), rotary, segments, attentions);
      Value h = x.plus(attended);
      return h.plus(mlp(g.at("mlp"), norm2.apply(g.at("norm2"), h)));
    }

    private Value attend(
        GraphBuilder g, Value x, Rotary rotary, List<Integer> segments, List<Value> attentions) {
      float scale = (float) (1 / Math.sqrt(config.headDim()));
      Value q = rotary.turn(g, heads(query.apply(g, x)));
      Value k = rotary.turn(g, heads(key.apply(g, x)));
      Value v = heads(value.apply(g, x));
      attentions.add(g.attentionWeights(q, k, scale, false, segments));
      Value mixed = g.attention(q, k, v, scale, false, segments);
      return proj.apply(g, mixed.reshape(-1, config.hiddenSize()));
    }

    private Value mlp(GraphBuilder g, Value x) {
      return fc2.apply(g, g.activate(config.hiddenAct(), fc1.apply(g, x)));
    }

    private Value heads(Value x) {
      return x.reshape(-1, config.numHeads(), config.headDim());
    }
  }
}
