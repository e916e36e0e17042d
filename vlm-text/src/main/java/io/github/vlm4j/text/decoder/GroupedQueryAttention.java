package io.github.vlm4j.text.decoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.nn.RmsNorm;
import io.github.vlm4j.core.weights.WeightScope;
import org.jspecify.annotations.Nullable;

/** Causal attention over a KV cache in which several queries share a key (Ainslie et al., 2023). */
final class GroupedQueryAttention {

  /**
   * Tables of angles, {@code [tokens, angles]} each; queries may have their own.
   *
   * @param queryCos for queries
   * @param querySin for queries
   * @param cos for keys
   * @param sin for keys
   */
  record Angles(Value queryCos, Value querySin, Value cos, Value sin) {}

  /**
   * A layer's memory.
   *
   * @param keys {@code [kvHeads, capacity, headDim]}
   * @param values likewise
   * @param position i32 {@code [1]}: where this run's rows begin
   */
  record Cache(Value keys, Value values, Value position) {}

  private final GqaDecoderConfig.Attention config;
  private final int window;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear output;
  private final @Nullable RmsNorm queryNorm;
  private final @Nullable RmsNorm keyNorm;

  /**
   * Takes the parameters of a layer.
   *
   * @param decoder its sizes
   * @param window how many of the last positions a row sees, its own included; 0 for all
   * @param names what the checkpoint calls its parts
   * @param scope the attention
   */
  GroupedQueryAttention(
      GqaDecoderConfig decoder, int window, DecoderNames.Attention names, WeightScope scope) {
    config = decoder.attention();
    this.window = window;
    long hidden = decoder.hiddenSize();
    long queries = config.queryWidth();
    long keys = config.keyWidth();
    if (names.fused() != null) {
      Linear fused =
          Linear.of(scope.at(names.fused()), hidden, queries + 2 * keys, config.inputBias());
      query = fused.outputs(0, queries);
      key = fused.outputs(queries, queries + keys);
      value = fused.outputs(queries + keys, queries + 2 * keys);
    } else {
      query = Linear.of(scope.at(names.query()), hidden, queries, config.inputBias());
      key = Linear.of(scope.at(names.key()), hidden, keys, config.inputBias());
      value = Linear.of(scope.at(names.value()), hidden, keys, config.inputBias());
    }
    output = Linear.of(scope.at(names.output()), queries, hidden, config.outputBias());
    float eps = decoder.rmsNormEps();
    queryNorm =
        config.queryKeyNorm() ? RmsNorm.of(scope.at("q_norm"), config.headDim(), eps) : null;
    keyNorm = config.queryKeyNorm() ? RmsNorm.of(scope.at("k_norm"), config.headDim(), eps) : null;
  }

  /**
   * Adds the attention of rows to themselves and to those in the cache.
   *
   * @param x {@code [tokens, hidden]}
   */
  Value apply(GraphBuilder g, Value x, Angles angles, Cache cache) {
    Value q = heads(query.apply(g, x), config.heads());
    Value k = heads(key.apply(g, x), config.keyValueHeads());
    Value v = heads(value.apply(g, x), config.keyValueHeads());
    if (queryNorm != null) {
      q = queryNorm.apply(g, q);
    }
    if (keyNorm != null) {
      k = keyNorm.apply(g, k);
    }
    q = g.rope(q, angles.queryCos(), angles.querySin(), config.pairing());
    k = g.rope(k, angles.cos(), angles.sin(), config.pairing());
    Value mixed =
        g.cachedAttention(
            q,
            g.append(cache.keys(), k, cache.position()),
            g.append(cache.values(), v, cache.position()),
            cache.position(),
            (float) (1 / Math.sqrt(config.headDim())),
            window);
    return output.apply(g, mixed.reshape(-1, config.queryWidth()));
  }

  private Value heads(Value x, int count) {
    return x.reshape(-1, count, config.headDim());
  }
}
