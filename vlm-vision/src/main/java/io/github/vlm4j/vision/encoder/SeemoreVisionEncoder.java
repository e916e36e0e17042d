package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.Mlp;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The vision transformer of the from-scratch tutorial seemore: a class token before the patches,
 * learned positions, and a norm on the class token alone, which is all that is made of a picture.
 * It differs from ViT (Dosovitskiy et al., 2021) in two places: dot products are divided by the
 * root of the hidden size and not of a head's, and the MLP's result is added to the normed state.
 * Reference: github.com/AviSoori1x/seemore, {@code seemore.py}, {@code ViT}.
 */
public final class SeemoreVisionEncoder implements VisionEncoder {

  private final VitConfig config;
  private final Linear patchEmbedding;
  private final Weight classToken;
  private final Weight positions;
  private final List<Block> blocks = new ArrayList<>();
  private final LayerNorm norm;

  /**
   * Takes the encoder's parameters.
   *
   * @param config its sizes
   * @param scope where they begin: {@code vision_encoder}
   */
  public SeemoreVisionEncoder(VitConfig config, WeightScope scope) {
    this.config = config;
    int hidden = config.hiddenSize();
    int side = config.patchSize();
    WeightScope convolution =
        scope
            .at("patch_embedding.conv")
            .named(
                "Conv2d(%d → %d, kernel=stride=(%d, %d))"
                    .formatted(config.channels(), hidden, side, side));
    // A convolution whose stride is its kernel is a linear map of each patch's numbers.
    patchEmbedding =
        new Linear(
            convolution
                .get("weight", hidden, config.channels(), side, side)
                .reshape(hidden, config.patchElements()),
            convolution.get("bias", hidden));
    classToken = scope.get("cls_token", 1, 1, hidden).reshape(1, hidden);
    int tokens = config.patches() + 1;
    positions = scope.get("pos_embedding", 1, tokens, hidden).reshape(tokens, hidden);
    for (int i = 0; i < config.layers(); i++) {
      blocks.add(new Block(config, scope.at("blocks." + i)));
    }
    norm = LayerNorm.of(scope.at("layer_norm"), hidden, config.blocks().eps());
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
    List<Integer> segments = Collections.nCopies(pictures, tokens);
    List<Value> hiddenStates = new ArrayList<>(List.of(embed(g, pixels, pictures)));
    List<Value> attentions = new ArrayList<>();
    for (int i = 0; i < blocks.size(); i++) {
      GraphBuilder layer = g.at("blocks." + i);
      hiddenStates.add(blocks.get(i).apply(layer, hiddenStates.getLast(), segments, attentions));
    }
    Value last = hiddenStates.getLast();
    int[] classTokens = IntStream.range(0, pictures).map(i -> i * tokens).toArray();
    Value pooled = g.gather(last, g.constant(Tensor.ofInts(classTokens, pictures)));
    return new VisionFeatures(
        hiddenStates,
        attentions,
        last,
        1,
        Optional.of(norm.apply(g.at("layer_norm"), pooled)),
        Optional.empty(),
        Optional.empty());
  }

  private Value embed(GraphBuilder g, Value pixels, int pictures) {
    GraphBuilder layer = g.at("patch_embedding");
    Value patches = patchEmbedding.apply(layer, pixels);
    Value token = layer.embedding(classToken, layer.constant(Tensor.ofInts(new int[] {0}, 1)));
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

  /** Attention over all tokens of a picture, then the MLP, each behind a norm. */
  private static final class Block {
    private final int heads;
    private final LayerNorm norm1;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear out;
    private final LayerNorm norm2;
    private final Mlp mlp;

    Block(VitConfig config, WeightScope scope) {
      int hidden = config.hiddenSize();
      heads = config.blocks().heads();
      norm1 = LayerNorm.of(scope.at("ln1"), hidden, config.blocks().eps());
      WeightScope attention = scope.at("attn");
      query = heads(attention, "query", hidden);
      key = heads(attention, "key", hidden);
      value = heads(attention, "value", hidden);
      out = Linear.of(attention.at("proj"), hidden, hidden);
      norm2 = LayerNorm.of(scope.at("ln2"), hidden, config.blocks().eps());
      int intermediate = config.blocks().intermediate();
      mlp =
          new Mlp(
              Linear.of(scope.at("ffn.0"), hidden, intermediate),
              config.blocks().activation(),
              Linear.of(scope.at("ffn.2"), intermediate, hidden));
    }

    private Linear heads(WeightScope scope, String name, int hidden) {
      List<Weight> parts =
          IntStream.range(0, heads)
              .mapToObj(
                  i -> scope.get("heads." + i + "." + name + ".weight", hidden / heads, hidden))
              .toList();
      return Linear.stacked(scope, "heads." + name + ".weight", parts);
    }

    Value apply(GraphBuilder g, Value x, List<Integer> segments, List<Value> attentions) {
      Value normed = norm1.apply(g.at("ln1"), x);
      Value h = x.plus(attend(g.at("attn"), normed, segments, attentions));
      Value normedAgain = norm2.apply(g.at("ln2"), h);
      return normedAgain.plus(mlp.apply(g.at("ffn"), normedAgain));
    }

    private Value attend(GraphBuilder g, Value x, List<Integer> segments, List<Value> attentions) {
      Value q = split(query.apply(g, x));
      Value k = split(key.apply(g, x));
      Value v = split(value.apply(g, x));
      float scale = (float) (1 / Math.sqrt((double) x.shape().last()));
      attentions.add(g.attentionWeights(q, k, scale, false, segments));
      Value mixed = g.attention(q, k, v, scale, false, segments);
      return out.apply(g, mixed.reshape(x.shape().dim(0), -1));
    }

    private Value split(Value x) {
      return x.reshape(-1, heads, x.shape().last() / heads);
    }
  }
}
