package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.AfterLayer;
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
import org.jspecify.annotations.Nullable;

/**
 * A pre-norm decoder with grouped-query attention (Ainslie et al., 2023), rotary positions, SwiGLU
 * and RMS norms, with or without per-head norms of queries and keys. Reference: transformers,
 * {@code models/qwen3_vl/modeling_qwen3_vl.py}, {@code Qwen3VLTextModel}.
 */
public final class GqaDecoder implements Decoder {

  private static final String POSITION = "position";
  private static final String COS = "rotary.cos";
  private static final String SIN = "rotary.sin";

  private final GqaDecoderConfig config;
  private final MultimodalRotary rotary;
  private final Weight embedTokens;
  private final List<Layer> layers = new ArrayList<>();
  private final RmsNorm norm;
  private final Linear head;

  /**
   * Takes the decoder's parameters.
   *
   * @param config its sizes
   * @param rotary its angles
   * @param scope where the layers begin: {@code model.language_model}
   * @param headScope where an untied head is: {@code lm_head}
   */
  public GqaDecoder(
      GqaDecoderConfig config, MultimodalRotary rotary, WeightScope scope, WeightScope headScope) {
    this.config = config;
    this.rotary = rotary;
    embedTokens =
        scope
            .at("embed_tokens")
            .named("Embedding(" + config.vocabularySize() + ", " + config.hiddenSize() + ")")
            .get("weight", config.vocabularySize(), config.hiddenSize());
    for (int i = 0; i < config.layers(); i++) {
      layers.add(new Layer(config, scope.at("layers." + i)));
    }
    norm = RmsNorm.of(scope.at("norm"), config.hiddenSize(), config.rmsNormEps());
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
      GraphBuilder g, Value embeddings, int cacheCapacity, AfterLayer afterLayer) {
    long tokens = embeddings.shape().dim(0);
    Value position = g.input(POSITION, DType.I32, 1);
    Value cos = g.input(COS, DType.F32, tokens, rotary.angles());
    Value sin = g.input(SIN, DType.F32, tokens, rotary.angles());
    Shape cacheShape = Shape.of(cacheCapacity, config.keyValueHeads(), config.headDim());

    Value h = embeddings;
    List<Value> hiddenStates = new ArrayList<>(List.of(h));
    for (int i = 0; i < layers.size(); i++) {
      Value keys = KvCache.keys(g, i, cacheShape);
      Value values = KvCache.values(g, i, cacheShape);
      h = layers.get(i).apply(g.at("layers." + i), h, cos, sin, keys, values, position);
      h = afterLayer.apply(i, h);
      hiddenStates.add(h);
    }
    return new DecoderFeatures(hiddenStates, norm.apply(g.at("norm"), h));
  }

  @Override
  public Value logits(GraphBuilder g, Value hidden) {
    return head.apply(g.at("lm_head"), hidden);
  }

  @Override
  public void setPositions(Executable executable, TokenPositions positions, int first, int count) {
    executable.input(POSITION).setInt(0, first);
    rotary.fill(positions, first, count, executable.input(COS), executable.input(SIN));
  }

  /** One layer: attention over the cache, then the gated MLP, each behind a norm. */
  private static final class Layer {
    private final GqaDecoderConfig config;
    private final RmsNorm inputNorm;
    private final Linear query;
    private final Linear key;
    private final Linear value;
    private final Linear output;
    private final @Nullable RmsNorm queryNorm;
    private final @Nullable RmsNorm keyNorm;
    private final RmsNorm postAttentionNorm;
    private final Linear gate;
    private final Linear up;
    private final Linear down;

    Layer(GqaDecoderConfig config, WeightScope scope) {
      this.config = config;
      int hidden = config.hiddenSize();
      int middle = config.intermediateSize();
      long queries = (long) config.attentionHeads() * config.headDim();
      long keys = (long) config.keyValueHeads() * config.headDim();
      float eps = config.rmsNormEps();
      inputNorm = RmsNorm.of(scope.at("input_layernorm"), hidden, eps);
      WeightScope attention = scope.at("self_attn");
      query = projection(attention.at("q_proj"), hidden, queries);
      key = projection(attention.at("k_proj"), hidden, keys);
      value = projection(attention.at("v_proj"), hidden, keys);
      output = projection(attention.at("o_proj"), queries, hidden);
      queryNorm =
          config.queryKeyNorm() ? RmsNorm.of(attention.at("q_norm"), config.headDim(), eps) : null;
      keyNorm =
          config.queryKeyNorm() ? RmsNorm.of(attention.at("k_norm"), config.headDim(), eps) : null;
      postAttentionNorm = RmsNorm.of(scope.at("post_attention_layernorm"), hidden, eps);
      gate = Linear.withoutBias(scope.at("mlp.gate_proj"), hidden, middle);
      up = Linear.withoutBias(scope.at("mlp.up_proj"), hidden, middle);
      down = Linear.withoutBias(scope.at("mlp.down_proj"), middle, hidden);
    }

    private Linear projection(WeightScope scope, long in, long out) {
      return config.attentionBias()
          ? Linear.of(scope, in, out)
          : Linear.withoutBias(scope, in, out);
    }

    Value apply(
        GraphBuilder g, Value x, Value cos, Value sin, Value keys, Value values, Value position) {
      Value normed = inputNorm.apply(g.at("input_layernorm"), x);
      Value h = x.plus(attend(g.at("self_attn"), normed, cos, sin, keys, values, position));
      return h.plus(mlp(g.at("mlp"), postAttentionNorm.apply(g.at("post_attention_layernorm"), h)));
    }

    private Value attend(
        GraphBuilder g, Value x, Value cos, Value sin, Value keys, Value values, Value position) {
      Value q = heads(query.apply(g, x), config.attentionHeads());
      Value k = heads(key.apply(g, x), config.keyValueHeads());
      Value v = heads(value.apply(g, x), config.keyValueHeads());
      if (queryNorm != null) {
        q = queryNorm.apply(g, q);
      }
      if (keyNorm != null) {
        k = keyNorm.apply(g, k);
      }
      q = g.rope(q, cos, sin, RopePairing.HALVES);
      k = g.rope(k, cos, sin, RopePairing.HALVES);
      Value mixed =
          g.cachedAttention(
              q,
              g.append(keys, k, position),
              g.append(values, v, position),
              position,
              (float) (1 / Math.sqrt(config.headDim())));
      return output.apply(g, mixed.reshape(-1, (long) config.attentionHeads() * config.headDim()));
    }

    private Value mlp(GraphBuilder g, Value x) {
      return down.apply(g, g.gate(config.hiddenAct(), gate.apply(g, x), up.apply(g, x)));
    }

    private Value heads(Value x, int count) {
      return x.reshape(-1, count, config.headDim());
    }
  }
}
