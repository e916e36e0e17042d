package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A pre-norm decoder of two layers with grouped-query attention, norms of queries and keys, rotary
 * positions, SwiGLU, a cache and a tied head; no size is a multiple of a vector.
 */
final class TinyDecoder {

  static final int VOCABULARY = 101;

  private static final int LAYERS = 2;
  private static final int HIDDEN = 44;
  private static final int HEADS = 6;
  private static final int KEY_HEADS = 2;
  private static final int HEAD_DIM = 18;
  private static final int INTERMEDIATE = 70;
  private static final float EPS = 1e-6f;
  private static final float SCALE = (float) (1 / Math.sqrt(HEAD_DIM));

  /** The parameters of a layer. */
  private record Layer(
      Weight inputNorm,
      Weight q,
      Weight k,
      Weight v,
      Weight qNorm,
      Weight kNorm,
      Weight output,
      Weight postNorm,
      Weight gate,
      Weight up,
      Weight down) {}

  private final Weight embedding;
  private final List<Layer> layers = new ArrayList<>();
  private final Weight norm;

  TinyDecoder(ScenarioBuilder s, DType type) {
    embedding = s.weight("embed", type, VOCABULARY, HIDDEN);
    for (int i = 0; i < LAYERS; i++) {
      String at = "layers." + i + ".";
      layers.add(
          new Layer(
              s.weight(at + "input_norm", type, HIDDEN),
              s.weight(at + "q", type, HEADS * HEAD_DIM, HIDDEN),
              s.weight(at + "k", type, KEY_HEADS * HEAD_DIM, HIDDEN),
              s.weight(at + "v", type, KEY_HEADS * HEAD_DIM, HIDDEN),
              s.weight(at + "q_norm", type, HEAD_DIM),
              s.weight(at + "k_norm", type, HEAD_DIM),
              s.weight(at + "o", type, HIDDEN, HEADS * HEAD_DIM),
              s.weight(at + "post_norm", type, HIDDEN),
              s.weight(at + "gate", type, INTERMEDIATE, HIDDEN),
              s.weight(at + "up", type, INTERMEDIATE, HIDDEN),
              s.weight(at + "down", type, HIDDEN, INTERMEDIATE)));
    }
    norm = s.weight("norm", type, HIDDEN);
  }

  /** Adds the decoder of n tokens to the current graph; states' names begin with the prefix. */
  void addTo(ScenarioBuilder s, int n, int capacity, String prefix) {
    GraphBuilder g = s.g();
    Value ids = s.ids("ids", VOCABULARY, n);
    Value position = s.ints("position", () -> new int[] {0}, 1);
    Value cos = s.input("cos", n, HEAD_DIM / 2);
    Value sin = s.input("sin", n, HEAD_DIM / 2);
    Shape cache = Shape.of(KEY_HEADS, capacity, HEAD_DIM);
    Value h = g.embedding(embedding, ids);
    for (int i = 0; i < LAYERS; i++) {
      Layer layer = layers.get(i);
      GraphBuilder at = g.at("layers." + i);
      Value x = at.rmsNorm(h, layer.inputNorm, EPS);
      Value q = at.linear(x, layer.q, null).reshape(n, HEADS, HEAD_DIM);
      Value k = at.linear(x, layer.k, null).reshape(n, KEY_HEADS, HEAD_DIM);
      Value v = at.linear(x, layer.v, null).reshape(n, KEY_HEADS, HEAD_DIM);
      q = at.rope(at.rmsNorm(q, layer.qNorm, EPS), cos, sin, RopePairing.HALVES);
      k = at.rope(at.rmsNorm(k, layer.kNorm, EPS), cos, sin, RopePairing.HALVES);
      Value keys = at.append(at.state(prefix + "keys." + i, cache), k, position);
      Value values = at.append(at.state(prefix + "values." + i, cache), v, position);
      Value mixed = at.cachedAttention(q, keys, values, position, SCALE);
      h = h.plus(at.linear(mixed.reshape(n, HEADS * HEAD_DIM), layer.output, null));
      x = at.rmsNorm(h, layer.postNorm, EPS);
      Value gated =
          at.gate(Activation.SILU, at.linear(x, layer.gate, null), at.linear(x, layer.up, null));
      h = h.plus(at.linear(gated, layer.down, null));
    }
    Value last = g.rmsNorm(h.rows(n - 1, n), norm, EPS);
    g.output("hidden", h);
    g.output("logits", g.linear(last, embedding, null));
  }

  /** Returns the rotary tables of n positions. */
  static Map<String, Tensor> tables(int first, int n) {
    int pairs = HEAD_DIM / 2;
    float[] cos = new float[n * pairs];
    float[] sin = new float[n * pairs];
    for (int i = 0; i < cos.length; i++) {
      double frequency = Math.pow(10_000, -(i % pairs) / (double) pairs);
      double angle = (first + i / pairs) * frequency;
      cos[i] = (float) Math.cos(angle);
      sin[i] = (float) Math.sin(angle);
    }
    return Map.of("cos", Tensor.ofFloats(cos, n, pairs), "sin", Tensor.ofFloats(sin, n, pairs));
  }
}
