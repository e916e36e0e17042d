package io.github.vlm4j.core.nn;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.List;

/**
 * Multi-head attention with biases, as ViT, CLIP and SigLIP have it (Vaswani et al., 2017).
 *
 * @param query {@code [hidden → hidden]}
 * @param key likewise
 * @param value likewise
 * @param out likewise
 * @param heads the number of heads
 */
public record MultiHeadAttention(Linear query, Linear key, Linear value, Linear out, int heads) {

  /** Takes {@code q_proj}, {@code k_proj}, {@code v_proj} and {@code out_proj} of a scope. */
  public static MultiHeadAttention of(WeightScope scope, long hidden, int heads) {
    return new MultiHeadAttention(
        Linear.of(scope.at("q_proj"), hidden, hidden),
        Linear.of(scope.at("k_proj"), hidden, hidden),
        Linear.of(scope.at("v_proj"), hidden, hidden),
        Linear.of(scope.at("out_proj"), hidden, hidden),
        heads);
  }

  /** Takes {@code in_proj_weight}, {@code in_proj_bias} and {@code out_proj}, as PyTorch does. */
  public static MultiHeadAttention fused(WeightScope scope, long hidden, int heads) {
    scope.named("MultiheadAttention(" + hidden + ", heads=" + heads + ")");
    Weight weight = scope.get("in_proj_weight", 3 * hidden, hidden);
    Weight bias = scope.get("in_proj_bias", 3 * hidden);
    Linear fused = new Linear(weight, bias);
    return new MultiHeadAttention(
        fused.outputs(0, hidden),
        fused.outputs(hidden, 2 * hidden),
        fused.outputs(2 * hidden, 3 * hidden),
        Linear.of(scope.at("out_proj"), hidden, hidden),
        heads);
  }

  /**
   * Adds attention of rows to themselves.
   *
   * @param x {@code [rows, hidden]}
   * @param causal whether a row sees only itself and earlier rows of its segment
   * @param segments the lengths of runs of rows that see nothing of each other
   * @param attentions takes the weights, {@code [heads, rows, rows]}
   */
  public Value apply(
      GraphBuilder g, Value x, boolean causal, List<Integer> segments, List<Value> attentions) {
    Value q = heads(query.apply(g, x));
    Value k = heads(key.apply(g, x));
    Value v = heads(value.apply(g, x));
    attentions.add(g.attentionWeights(q, k, scale(q), causal, segments));
    return merge(g, g.attention(q, k, v, scale(q), causal, segments));
  }

  /**
   * Adds attention of some rows to others.
   *
   * @param x {@code [queries, hidden]}
   * @param seen {@code [keys, hidden]}
   * @param querySegments the lengths of runs of queries
   * @param keySegments the lengths of the runs of keys that these see
   */
  public Value cross(
      GraphBuilder g, Value x, Value seen, List<Integer> querySegments, List<Integer> keySegments) {
    Value q = heads(query.apply(g, x));
    Value k = heads(key.apply(g, seen));
    Value v = heads(value.apply(g, seen));
    return merge(g, g.crossAttention(q, k, v, scale(q), querySegments, keySegments));
  }

  /** Adds what each row would get if it saw nothing but itself. */
  public Value alone(GraphBuilder g, Value x) {
    return out.apply(g, value.apply(g, x));
  }

  private Value heads(Value x) {
    return x.reshape(-1, heads, x.shape().last() / heads);
  }

  private static float scale(Value q) {
    return (float) (1 / Math.sqrt((double) q.shape().last()));
  }

  private Value merge(GraphBuilder g, Value mixed) {
    return out.apply(g, mixed.reshape(mixed.shape().dim(0), -1));
  }
}
