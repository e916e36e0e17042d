package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.Mlp;
import io.github.vlm4j.core.nn.MultiHeadAttention;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The vision transformer of SigLIP (Zhai et al., 2023) and SigLIP 2 (Tschannen et al., 2025):
 * learned positions, no class token, a norm after the blocks, and a head that pools by attention of
 * one learned probe. With variable grids (NaFlex) the positions are resized to each picture's.
 * References: transformers, {@code models/siglip/modeling_siglip.py} and {@code
 * models/siglip2/modeling_siglip2.py}.
 */
public final class SiglipVisionEncoder implements VisionEncoder {

  private final VitConfig config;
  private final boolean variableGrids;
  private final Linear patchEmbedding;
  private final Weight positions;
  private final List<EncoderBlock> blocks = new ArrayList<>();
  private final LayerNorm postNorm;
  private final @Nullable PoolingHead head;

  private SiglipVisionEncoder(
      VitConfig config,
      boolean variableGrids,
      Linear patchEmbedding,
      WeightScope scope,
      boolean hasHead) {
    this.config = config;
    this.variableGrids = variableGrids;
    this.patchEmbedding = patchEmbedding;
    positions =
        scope
            .at("embeddings.position_embedding")
            .get("weight", config.patches(), config.hiddenSize());
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(EncoderBlock.of(scope.at("encoder.layers." + i), config.blocks()));
    }
    postNorm = LayerNorm.of(scope.at("post_layernorm"), config.hiddenSize(), config.blocks().eps());
    head = hasHead ? new PoolingHead(scope.at("head"), config.blocks()) : null;
  }

  /**
   * Takes the parameters of an encoder for pictures of one size.
   *
   * @param scope where they begin: {@code vision_model}
   * @param hasHead whether it pools
   */
  public static SiglipVisionEncoder of(VitConfig config, WeightScope scope, boolean hasHead) {
    WeightScope conv = scope.at("embeddings.patch_embedding");
    int side = config.patchSize();
    conv.named(
        "Conv2d(%d → %d, kernel=stride=(%d, %d))"
            .formatted(config.channels(), config.hiddenSize(), side, side));
    Weight kernel = conv.get("weight", config.hiddenSize(), config.channels(), side, side);
    Linear patches =
        new Linear(
            kernel.reshape(config.hiddenSize(), config.patchElements()),
            conv.get("bias", config.hiddenSize()));
    return new SiglipVisionEncoder(config, false, patches, scope, hasHead);
  }

  /**
   * Takes the parameters of an encoder for pictures of any grid (NaFlex).
   *
   * @param scope where they begin: {@code vision_model}
   * @param hasHead whether it pools
   */
  public static SiglipVisionEncoder naflex(VitConfig config, WeightScope scope, boolean hasHead) {
    Linear patches =
        Linear.of(
            scope.at("embeddings.patch_embedding"), config.patchElements(), config.hiddenSize());
    return new SiglipVisionEncoder(config, true, patches, scope, hasHead);
  }

  @Override
  public int hiddenSize() {
    return config.hiddenSize();
  }

  /**
   * Returns {@code [pictures · patches, channels · patch · patch]}; in a patch, channels come
   * first, or last with variable grids.
   */
  @Override
  public Shape pixelShape(PatchGrid grid) {
    return Shape.of(grid.patches(), config.patchElements());
  }

  /**
   * {@inheritDoc}
   *
   * @throws io.github.vlm4j.core.ModelException if grids are not variable and this is not the one
   *     that positions were learned for
   */
  @Override
  public VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid) {
    if (!variableGrids) {
      config.requireLearned(grid);
    }
    int pictures = grid.frames();
    int patches = grid.height() * grid.width();
    List<Integer> segments = Collections.nCopies(pictures, patches);
    GraphBuilder embeddings = g.at("embeddings");
    Value embedded =
        patchEmbedding
            .apply(embeddings, pixels)
            .reshape(pictures, patches, hiddenSize())
            .plus(ResizedPositions.of(embeddings, positions, config.gridSize(), grid))
            .reshape(-1, hiddenSize());
    EncoderBlock.Stack stack =
        EncoderBlock.stack(g.at("encoder"), blocks, embedded, false, segments);
    Value last = postNorm.apply(g.at("post_layernorm"), stack.last());
    VisionFeatures features =
        VisionFeatures.ofPatches(stack.hiddenStates(), stack.attentions(), last);
    if (head == null) {
      return features;
    }
    Value pooled = head.pool(g.at("head"), last, segments);
    return features.withPooled(pooled, pooled).withPatchEmbeddings(head.alone(g.at("head"), last));
  }

  /**
   * Returns a picture's last hidden state followed by the rows that the reference fills it up with:
   * patches of zeros at the first position, which see the picture's patches and are seen by none.
   * Connectors that read a fixed number of rows of pictures of any grid read them, too. All of them
   * are the same row, so that it is computed once.
   *
   * @param g where the encoder was added
   * @param features what {@link #encode} gave for one picture
   * @param grid its grid
   * @param rows how many rows are wanted; at least the grid's patches
   * @return {@code [rows, hidden]}
   */
  public Value filledUp(GraphBuilder g, VisionFeatures features, PatchGrid grid, int rows) {
    int patches = grid.patches();
    if (patches == rows) {
      return features.lastHiddenState();
    }
    GraphBuilder embeddings = g.at("embeddings");
    Value zeros =
        g.constant(Tensor.ofFloats(new float[config.patchElements()], 1, config.patchElements()));
    Value blank =
        patchEmbedding
            .apply(embeddings, zeros)
            .plus(ResizedPositions.of(embeddings, positions, config.gridSize(), grid).rows(0, 1));
    for (int i = 0; i < blocks.size(); i++) {
      EncoderBlock block = blocks.get(i);
      GraphBuilder layer = g.at("encoder.blank." + i);
      Value seen = block.norm1().apply(layer, features.hiddenStates().get(i));
      Value normed = block.norm1().apply(layer, blank);
      Value h =
          blank.plus(block.attention().cross(layer, normed, seen, List.of(1), List.of(patches)));
      blank = h.plus(block.mlp().apply(layer, block.norm2().apply(layer, h)));
    }
    Value last = postNorm.apply(g.at("post_layernorm"), blank);
    int missing = rows - patches;
    Value same = g.constant(Tensor.ofInts(new int[missing], missing));
    return g.concat(features.lastHiddenState(), g.gather(last, same));
  }

  /** Attention of one learned probe to all patches, and an MLP. */
  private static final class PoolingHead {
    private final Weight probe;
    private final MultiHeadAttention attention;
    private final LayerNorm norm;
    private final Mlp mlp;

    PoolingHead(WeightScope scope, EncoderBlock.Sizes sizes) {
      probe = scope.get("probe", 1, 1, sizes.hidden()).reshape(1, sizes.hidden());
      attention = MultiHeadAttention.fused(scope.at("attention"), sizes.hidden(), sizes.heads());
      norm = LayerNorm.of(scope.at("layernorm"), sizes.hidden(), sizes.eps());
      mlp = Mlp.of(scope.at("mlp"), sizes.hidden(), sizes.intermediate(), sizes.activation());
    }

    Value pool(GraphBuilder g, Value patches, List<Integer> segments) {
      int pictures = segments.size();
      Value probes = g.embedding(probe, g.constant(Tensor.ofInts(new int[pictures], pictures)));
      return finish(
          g, attention.cross(g, probes, patches, Collections.nCopies(pictures, 1), segments));
    }

    /** What would be pooled if there were no other patch. */
    Value alone(GraphBuilder g, Value patches) {
      return finish(g, attention.alone(g, patches));
    }

    private Value finish(GraphBuilder g, Value attended) {
      return attended.plus(mlp.apply(g, norm.apply(g, attended)));
    }
  }
}
