package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
import io.github.vlm4j.core.model.CacheLayout;
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.DecoderFeatures;
import io.github.vlm4j.core.model.DecoderGeometry;
import io.github.vlm4j.core.model.KvCache;
import io.github.vlm4j.core.model.TokenPositions;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.Mlp;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A decoder with a table of learned positions, layer norms and a plain MLP, as the from-scratch
 * tutorial seemore writes it. It differs from GPT-2 (Radford et al., 2019) in two places: dot
 * products are divided by the root of the hidden size and not of a head's, and the MLP's result is
 * added to the normed state. Reference: github.com/AviSoori1x/seemore, {@code seemore.py}, {@code
 * DecoderLanguageModel.forward}; its {@code generate} adds the positions anew at every step and
 * leaves out the last norm, which does not continue what was trained.
 */
public final class LearnedPositionDecoder implements Decoder {

  private static final String POSITION = "position";
  private static final String POSITIONS = "positions";

  private final LearnedPositionDecoderConfig config;
  private final Weight tokenEmbeddings;
  private final Weight positionEmbeddings;
  private final List<Layer> layers = new ArrayList<>();
  private final LayerNorm norm;
  private final Linear head;

  /**
   * Takes the decoder's parameters.
   *
   * @param config its sizes
   * @param scope where they begin: {@code decoder}
   */
  public LearnedPositionDecoder(LearnedPositionDecoderConfig config, WeightScope scope) {
    this.config = config;
    int hidden = config.hiddenSize();
    tokenEmbeddings = table(scope.at("token_embedding_table"), config.vocabularySize(), hidden);
    positionEmbeddings =
        table(scope.at("position_embedding_table"), config.contextLength(), hidden);
    for (int i = 0; i < config.layers(); i++) {
      layers.add(new Layer(config, scope.at("blocks." + i)));
    }
    norm = LayerNorm.of(scope.at("ln_f"), hidden, config.layerNormEps());
    head = Linear.of(scope.at("lm_head"), hidden, config.vocabularySize());
  }

  private static Weight table(WeightScope scope, int rows, int hidden) {
    return scope.named("Embedding(" + rows + ", " + hidden + ")").get("weight", rows, hidden);
  }

  @Override
  public DecoderGeometry geometry() {
    return config.geometry();
  }

  @Override
  public Value embed(GraphBuilder g, Value ids) {
    return g.at("token_embedding_table").embedding(tokenEmbeddings, ids);
  }

  @Override
  public DecoderFeatures decode(
      GraphBuilder g, Value embeddings, CacheLayout cache, AfterLayer afterLayer) {
    Value position = g.input(POSITION, DType.I32, 1);
    Value positions = g.input(POSITIONS, DType.I32, embeddings.shape().dim(0));
    Value h =
        embeddings.plus(g.at("position_embedding_table").embedding(positionEmbeddings, positions));
    Shape cacheShape = cache.shape(config.heads(), config.headDim());
    List<Value> hiddenStates = new ArrayList<>(List.of(h));
    for (int i = 0; i < layers.size(); i++) {
      Value keys = KvCache.keys(g, i, cache.dtype(), cacheShape);
      Value values = KvCache.values(g, i, cache.dtype(), cacheShape);
      h = layers.get(i).apply(g.at("blocks." + i), h, keys, values, position);
      h = afterLayer.apply(i, h);
      hiddenStates.add(h);
    }
    return new DecoderFeatures(hiddenStates, norm.apply(g.at("ln_f"), h));
  }

  @Override
  public Value logits(GraphBuilder g, Value hidden) {
    return head.apply(g.at("lm_head"), hidden);
  }

  @Override
  public void setPositions(Executable executable, TokenPositions positions, int first, int count) {
    executable.input(POSITION).setInt(0, first);
    Tensor rows = executable.input(POSITIONS);
    for (int i = 0; i < count; i++) {
      rows.setInt(i, positions.time(first + i));
    }
  }

  /** One layer: attention over the cache, then the MLP, each behind a norm. */
  private static final class Layer {
    private final LearnedPositionDecoderConfig config;
    private final LayerNorm norm1;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear out;
    private final LayerNorm norm2;
    private final Mlp mlp;

    Layer(LearnedPositionDecoderConfig config, WeightScope scope) {
      this.config = config;
      int hidden = config.hiddenSize();
      norm1 = LayerNorm.of(scope.at("ln1"), hidden, config.layerNormEps());
      WeightScope attention = scope.at("attn");
      query = heads(attention, "query");
      key = heads(attention, "key");
      value = heads(attention, "value");
      out = Linear.of(attention.at("proj"), hidden, hidden);
      norm2 = LayerNorm.of(scope.at("ln2"), hidden, config.layerNormEps());
      mlp =
          new Mlp(
              Linear.of(scope.at("ffn.0"), hidden, config.intermediateSize()),
              config.hiddenAct(),
              Linear.of(scope.at("ffn.2"), config.intermediateSize(), hidden));
    }

    private Linear heads(WeightScope scope, String name) {
      List<Weight> parts =
          IntStream.range(0, config.heads())
              .mapToObj(i ->
                  scope.get(
                      "heads." + i + "." + name + ".weight", config.headDim(), config.hiddenSize()))
              .toList();
      return Linear.stacked(scope, "heads." + name + ".weight", parts);
    }

    Value apply(GraphBuilder g, Value x, Value keys, Value values, Value position) {
      Value normed = norm1.apply(g.at("ln1"), x);
      Value h = x.plus(attend(g.at("attn"), normed, keys, values, position));
      Value normedAgain = norm2.apply(g.at("ln2"), h);
      return normedAgain.plus(mlp.apply(g.at("ffn"), normedAgain));
    }

    private Value attend(GraphBuilder g, Value x, Value keys, Value values, Value position) {
      Value mixed =
          g.cachedAttention(
              split(query.apply(g, x)),
              g.append(keys, split(key.apply(g, x)), position),
              g.append(values, split(value.apply(g, x)), position),
              position,
              (float) (1 / Math.sqrt(config.hiddenSize())));
      return out.apply(g, mixed.reshape(-1, config.hiddenSize()));
    }

    private Value split(Value x) {
      return x.reshape(-1, config.heads(), config.headDim());
    }
  }
}
