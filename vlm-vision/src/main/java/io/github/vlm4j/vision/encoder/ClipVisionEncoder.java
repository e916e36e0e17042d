package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The vision transformer of CLIP (Radford et al., 2021): a class token before the patches, learned
 * positions, a norm before the blocks and one after them on the class token alone, which is
 * projected to the space shared with texts. References: transformers, {@code
 * models/clip/modeling_clip.py}, {@code CLIPVisionTransformer}; OpenAI, {@code clip/model.py},
 * {@code VisionTransformer}.
 */
public final class ClipVisionEncoder implements VisionEncoder {

  private final VitConfig config;
  private final Linear patchEmbedding;
  private final Weight classEmbedding;
  private final Weight positions;
  private final LayerNorm preNorm;
  private final List<EncoderBlock> blocks;
  private final @Nullable LayerNorm postNorm;
  private final @Nullable Linear projection;

  private ClipVisionEncoder(
      VitConfig config,
      Linear patchEmbedding,
      Weight classEmbedding,
      Weight positions,
      LayerNorm preNorm,
      List<EncoderBlock> blocks,
      @Nullable LayerNorm postNorm,
      @Nullable Linear projection) {
    this.config = config;
    this.patchEmbedding = patchEmbedding;
    this.classEmbedding = classEmbedding;
    this.positions = positions;
    this.preNorm = preNorm;
    this.blocks = List.copyOf(blocks);
    this.postNorm = postNorm;
    this.projection = projection;
  }

  /**
   * Takes the parameters of a Hugging Face checkpoint.
   *
   * @param scope where they begin: {@code vision_model}
   * @param projection from the class token to the shared space, or null
   */
  public static ClipVisionEncoder of(
      VitConfig config, WeightScope scope, @Nullable Linear projection) {
    int hidden = config.hiddenSize();
    WeightScope embeddings = scope.at("embeddings");
    List<EncoderBlock> blocks = new ArrayList<>();
    Linear patches = patchEmbedding(config, embeddings.at("patch_embedding"));
    Weight classEmbedding = embeddings.get("class_embedding", hidden);
    Weight positions =
        embeddings.at("position_embedding").get("weight", config.patches() + 1L, hidden);
    // The misspelling is the published tensors'.
    LayerNorm preNorm = LayerNorm.of(scope.at("pre_layrnorm"), hidden, config.blocks().eps());
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(EncoderBlock.of(scope.at("encoder.layers." + i), config.blocks()));
    }
    return new ClipVisionEncoder(
        config,
        patches,
        classEmbedding,
        positions,
        preNorm,
        blocks,
        postNorm(scope, hidden, config.blocks().eps()),
        projection);
  }

  /** GGUF files leave out what comes after the layer whose hidden states are read. */
  private static @Nullable LayerNorm postNorm(WeightScope scope, int hidden, float eps) {
    boolean leftOut = scope.has("pre_layrnorm.weight") && !scope.has("post_layernorm.weight");
    return leftOut ? null : LayerNorm.of(scope.at("post_layernorm"), hidden, eps);
  }

  /**
   * Takes the parameters of a state dict of OpenAI's CLIP or open_clip.
   *
   * @param scope where they begin: {@code visual}
   * @param projectionDim the dimension of the shared space
   */
  public static ClipVisionEncoder openAi(VitConfig config, WeightScope scope, int projectionDim) {
    int hidden = config.hiddenSize();
    Linear patches = patchEmbedding(config, scope.at("conv1"));
    Weight classEmbedding = scope.get("class_embedding", hidden);
    Weight positions = scope.get("positional_embedding", config.patches() + 1L, hidden);
    LayerNorm preNorm = LayerNorm.of(scope.at("ln_pre"), hidden, config.blocks().eps());
    List<EncoderBlock> blocks = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      WeightScope block = scope.at("transformer.resblocks." + i);
      blocks.add(EncoderBlock.openAi(block, config.blocks()));
    }
    LayerNorm postNorm = LayerNorm.of(scope.at("ln_post"), hidden, config.blocks().eps());
    Linear projection = Linear.transposed(scope, "proj", hidden, projectionDim);
    return new ClipVisionEncoder(
        config, patches, classEmbedding, positions, preNorm, blocks, postNorm, projection);
  }

  /** A convolution whose stride is its kernel is a linear map of each patch's numbers. */
  private static Linear patchEmbedding(VitConfig config, WeightScope scope) {
    int side = config.patchSize();
    scope.named(
        "Conv2d(%d → %d, kernel=stride=(%d, %d))"
            .formatted(config.channels(), config.hiddenSize(), side, side));
    Weight kernel = scope.get("weight", config.hiddenSize(), config.channels(), side, side);
    return new Linear(kernel.reshape(config.hiddenSize(), config.patchElements()), null);
  }

  @Override
  public int hiddenSize() {
    return config.hiddenSize();
  }

  /** Returns {@code [pictures · patches, channels · patch · patch]}. */
  @Override
  public Shape pixelShape(PatchGrid grid) {
    return Shape.of(grid.patches(), config.patchElements());
  }

  /**
   * {@inheritDoc}
   *
   * @throws ModelException if the grid is not the one that positions were learned for
   */
  @Override
  public VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid) {
    config.requireLearned(grid);
    int pictures = grid.frames();
    int tokens = config.patches() + 1;
    Value embedded = embed(g, pixels, pictures);
    Value normed = preNorm.apply(g.at("pre_layrnorm"), embedded);
    EncoderBlock.Stack stack =
        EncoderBlock.stack(
            g.at("encoder"), blocks, normed, false, Collections.nCopies(pictures, tokens));

    Value last = stack.last();
    Value pooled = normed(g.at("post_layernorm"), classTokens(g, last, pictures, tokens));
    Optional<Value> projected =
        Optional.ofNullable(projection).map(to -> to.apply(g.at("visual_projection"), pooled));
    VisionFeatures features =
        new VisionFeatures(
            stack.hiddenStates(),
            stack.attentions(),
            last,
            1,
            Optional.of(pooled),
            projected,
            Optional.empty());
    return projection == null
        ? features
        : features.withPatchEmbeddings(alone(g.at("patches"), features, projection, pictures));
  }

  private Value embed(GraphBuilder g, Value pixels, int pictures) {
    GraphBuilder layer = g.at("embeddings");
    Value patches = patchEmbedding.apply(layer, pixels);
    Value token =
        layer.embedding(
            classEmbedding.reshape(1, hiddenSize()),
            layer.constant(Tensor.ofInts(new int[] {0}, 1)));
    Value[] rows = new Value[2 * pictures];
    for (int i = 0; i < pictures; i++) {
      rows[2 * i] = token;
      rows[2 * i + 1] = patches.rows((long) i * config.patches(), (i + 1L) * config.patches());
    }
    return layer
        .concat(rows)
        .reshape(pictures, config.patches() + 1L, hiddenSize())
        .plus(layer.parameter(positions))
        .reshape(-1, hiddenSize());
  }

  private static Value classTokens(GraphBuilder g, Value rows, int pictures, int tokens) {
    if (pictures == 1) {
      return rows.rows(0, 1);
    }
    int[] ids = IntStream.range(0, pictures).map(i -> i * tokens).toArray();
    return g.gather(rows, g.constant(Tensor.ofInts(ids, pictures)));
  }

  private Value alone(GraphBuilder g, VisionFeatures features, Linear projection, int pictures) {
    Value patches = FeatureSelection.ofLastHiddenState(true).select(g, features, pictures);
    return projection.apply(g, normed(g, patches));
  }

  private Value normed(GraphBuilder g, Value x) {
    return postNorm == null ? x : postNorm.apply(g, x);
  }
}
