package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Layer;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.List;

/**
 * One pre-norm transformer block of Qwen's vision towers: {@code h = x + attention(norm1(x)); y = h
 * + mlp(norm2(h))}, queries and keys turned by their patches' places. The projections of queries,
 * keys and values are one tensor {@code attn.qkv} or, in GGUF files, three.
 */
final class QwenVisionBlock {

  /** Cosines and sines, {@code [patches, headDim / 2]} each. */
  record Rotary(Value cos, Value sin) {
    Value turn(GraphBuilder g, Value heads) {
      return g.rope(heads, cos, sin, RopePairing.HALVES);
    }
  }

  private final QwenVisionConfig config;
  private final Layer norm1;
  private final Layer norm2;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear proj;
  private final Layer mlp;

  QwenVisionBlock(QwenVisionConfig config, WeightScope scope) {
    this.config = config;
    int hidden = config.hiddenSize();
    norm1 = config.design().norm(scope.at("norm1"), hidden);
    norm2 = config.design().norm(scope.at("norm2"), hidden);
    WeightScope attention = scope.at("attn");
    if (attention.has("q.weight")) {
      query = Linear.of(attention.at("q"), hidden, hidden);
      key = Linear.of(attention.at("k"), hidden, hidden);
      value = Linear.of(attention.at("v"), hidden, hidden);
    } else {
      Linear qkv = Linear.of(attention.at("qkv"), hidden, 3L * hidden);
      query = qkv.outputs(0, hidden);
      key = qkv.outputs(hidden, 2L * hidden);
      value = qkv.outputs(2L * hidden, 3L * hidden);
    }
    proj = Linear.of(attention.at("proj"), hidden, hidden);
    mlp =
        config.design().mlp(scope.at("mlp"), hidden, config.intermediateSize(), config.hiddenAct());
  }

  /**
   * Adds this block to a graph.
   *
   * @param x {@code [patches, hidden]}
   * @param segments the lengths of runs of rows that see nothing of each other
   * @param attentions takes the attention weights, {@code [heads, patches, patches]}
   */
  Value apply(
      GraphBuilder g, Value x, Rotary rotary, List<Integer> segments, List<Value> attentions) {
    Value attended =
        attend(g.at("attn"), norm1.apply(g.at("norm1"), x), rotary, segments, attentions);
    Value h = x.plus(attended);
    return h.plus(mlp.apply(g.at("mlp"), norm2.apply(g.at("norm2"), h)));
  }

  private Value attend(
      GraphBuilder g, Value x, Rotary rotary, List<Integer> segments, List<Value> attentions) {
    float scale = (float) (1 / Math.sqrt(config.headDim()));
    // One after the other, so that a backend can compute layers of one input together.
    Value queries = heads(query.apply(g, x));
    Value keys = heads(key.apply(g, x));
    Value v = heads(value.apply(g, x));
    Value q = rotary.turn(g, queries);
    Value k = rotary.turn(g, keys);
    attentions.add(g.attentionWeights(q, k, scale, false, segments));
    Value mixed = g.attention(q, k, v, scale, false, segments);
    return proj.apply(g, mixed.reshape(-1, config.hiddenSize()));
  }

  private Value heads(Value x) {
    return x.reshape(-1, config.numHeads(), config.headDim());
  }
}
