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
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.RmsNorm;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.ArrayList;
import java.util.List;

/**
 * A pre-norm decoder with grouped-query attention, rotary positions, gated MLPs or experts, and RMS
 * norms: Llama, Mistral, all generations of Qwen, MiniMind. What tells them apart is in their
 * {@link GqaDecoderConfig}, their {@link RotaryEmbedding} and their {@link DecoderNames}.
 * Reference: transformers, {@code models/llama/modeling_llama.py} and {@code
 * models/qwen3/modeling_qwen3.py}.
 */
public final class GqaDecoder implements Decoder {

  private static final String POSITION = "position";
  private static final String COS = "rotary.cos";
  private static final String SIN = "rotary.sin";
  private static final String QUERY_COS = "rotary.query.cos";
  private static final String QUERY_SIN = "rotary.query.sin";

  private final GqaDecoderConfig config;
  private final RotaryEmbedding rotary;
  private final Weight embedTokens;
  private final List<Layer> layers = new ArrayList<>();
  private final RmsNorm norm;
  private final Linear head;

  /**
   * Takes the decoder's parameters.
   *
   * @param config its sizes
   * @param rotary its angles
   * @param names what the checkpoint calls its parts
   * @param scope where embeddings, layers and the last norm are: {@code model}
   * @param headScope where an untied head is: {@code lm_head}
   */
  public GqaDecoder(
      GqaDecoderConfig config,
      RotaryEmbedding rotary,
      DecoderNames names,
      WeightScope scope,
      WeightScope headScope) {
    this.config = config;
    this.rotary = rotary;
    embedTokens =
        scope
            .at(names.embedding())
            .named("Embedding(" + config.vocabularySize() + ", " + config.hiddenSize() + ")")
            .get("weight", config.vocabularySize(), config.hiddenSize());
    for (int i = 0; i < config.layers(); i++) {
      layers.add(new Layer(config, names, i, scope.at(names.layers() + "." + i)));
    }
    norm = RmsNorm.of(scope.at(names.norm()), config.hiddenSize(), config.rmsNormEps());
    // A stored head wins over tying: transformers ties the two only where they are equal anyway.
    head =
        config.tiedEmbeddings() && !headScope.has("weight")
            ? new Linear(embedTokens, null)
            : Linear.withoutBias(headScope, config.hiddenSize(), config.vocabularySize());
  }

  @Override
  public DecoderGeometry geometry() {
    return config.geometry();
  }

  @Override
  public Value embed(GraphBuilder g, Value ids) {
    return g.at("embed_tokens").embedding(embedTokens, ids);
  }

  @Override
  public DecoderFeatures decode(
      GraphBuilder g, Value embeddings, CacheLayout cache, AfterLayer afterLayer) {
    long tokens = embeddings.shape().dim(0);
    Value position = g.input(POSITION, DType.I32, 1);
    GroupedQueryAttention.Angles angles = angles(g, tokens);
    Shape cacheShape =
        cache.shape(config.attention().keyValueHeads(), config.attention().headDim());

    Value h = embeddings;
    List<Value> hiddenStates = new ArrayList<>(List.of(h));
    for (int i = 0; i < layers.size(); i++) {
      var memory =
          new GroupedQueryAttention.Cache(
              KvCache.keys(g, i, cache.dtype(), cacheShape),
              KvCache.values(g, i, cache.dtype(), cacheShape),
              position);
      h = layers.get(i).apply(g.at("layers." + i), h, angles, memory);
      h = afterLayer.apply(i, h);
      hiddenStates.add(h);
    }
    return new DecoderFeatures(hiddenStates, norm.apply(g.at("norm"), h));
  }

  private GroupedQueryAttention.Angles angles(GraphBuilder g, long tokens) {
    Value cos = g.input(COS, DType.F32, tokens, rotary.angles());
    Value sin = g.input(SIN, DType.F32, tokens, rotary.angles());
    return rotary.scalesQueries()
        ? new GroupedQueryAttention.Angles(
            g.input(QUERY_COS, DType.F32, tokens, rotary.angles()),
            g.input(QUERY_SIN, DType.F32, tokens, rotary.angles()),
            cos,
            sin)
        : new GroupedQueryAttention.Angles(cos, sin, cos, sin);
  }

  @Override
  public Value logits(GraphBuilder g, Value hidden) {
    return head.apply(g.at("lm_head"), hidden);
  }

  @Override
  public void setPositions(Executable executable, TokenPositions positions, int first, int count) {
    executable.input(POSITION).setInt(0, first);
    rotary.fill(positions, first, count, executable.input(COS), executable.input(SIN));
    if (rotary.scalesQueries()) {
      rotary.fillQueries(
          positions, first, count, executable.input(QUERY_COS), executable.input(QUERY_SIN));
    }
  }

  @Override
  public boolean continues(TokenPositions before, TokenPositions next) {
    return rotary.sameTurns(before, next);
  }

  /** One layer: attention over the cache, then the MLP, each behind a norm. */
  private static final class Layer {
    private final RmsNorm attentionNorm;
    private final GroupedQueryAttention attention;
    private final RmsNorm mlpNorm;
    private final FeedForward mlp;

    Layer(GqaDecoderConfig config, DecoderNames names, int layer, WeightScope scope) {
      int hidden = config.hiddenSize();
      attentionNorm = RmsNorm.of(scope.at(names.attentionNorm()), hidden, config.rmsNormEps());
      attention =
          new GroupedQueryAttention(
              config,
              config.attention().window(layer),
              names.attention(),
              scope.at(names.attention().scope()));
      mlpNorm = RmsNorm.of(scope.at(names.mlpNorm()), hidden, config.rmsNormEps());
      WeightScope place = scope.at(names.mlp().scope());
      ExpertTensors.requireFitting(names, hidden, config.experts(layer), place);
      mlp =
          config
              .experts(layer)
              .<FeedForward>map(experts -> MixtureOfExperts.of(names, config, experts, place))
              .orElseGet(() -> GatedMlp.of(names.mlp(), hidden, config.mlp(), place));
    }

    Value apply(
        GraphBuilder g,
        Value x,
        GroupedQueryAttention.Angles angles,
        GroupedQueryAttention.Cache cache) {
      Value normed = attentionNorm.apply(g.at("attention_norm"), x);
      Value h = x.plus(attention.apply(g.at("attention"), normed, angles, cache));
      return h.plus(mlp.apply(g.at("mlp"), mlpNorm.apply(g.at("mlp_norm"), h)));
    }
  }
}
