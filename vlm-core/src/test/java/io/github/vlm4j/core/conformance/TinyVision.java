package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.List;

/**
 * A vision transformer of two blocks: patch embedding, interpolated positions, fused projections
 * used in parts, rotary positions, attention within segments and over all, a merger, and an earlier
 * block's features added at some rows of what a decoder would read.
 */
final class TinyVision {

  private static final int BLOCKS = 2;
  private static final int PATCHES = 48;
  private static final int PIXELS = 3 * 2 * 4 * 4;
  private static final int HIDDEN = 44;
  private static final int HEADS = 2;
  private static final int HEAD_DIM = HIDDEN / HEADS;
  private static final int INTERMEDIATE = 90;
  private static final int MERGED = 4;
  private static final int OUTPUT = 30;
  private static final int TOKENS = 20;
  private static final int POSITIONS = 25;
  private static final float EPS = 1e-6f;

  private TinyVision() {}

  /**
   * Adds the model to the current graph.
   *
   * @param segments the segments of the first blocks
   * @param fullBlocks how many of the last blocks attend to all rows
   */
  static void addTo(ScenarioBuilder s, DType type, List<Integer> segments, int fullBlocks) {
    GraphBuilder g = s.g();
    Weight kernel = s.weight("patch.weight", type, HIDDEN, 3, 2, 4, 4);
    Value pixels = s.input("pixels", PATCHES, PIXELS);
    Value h =
        g.linear(pixels, kernel.reshape(HIDDEN, PIXELS), s.weight("patch.bias", type, HIDDEN));
    Value corners = s.ids("corners", POSITIONS, PATCHES, 4);
    Value parts = s.input("parts", 0.25, new long[] {PATCHES, 4});
    h = h.plus(g.weightedGather(s.weight("positions", type, POSITIONS, HIDDEN), corners, parts));
    Value cos = g.constant(table(true));
    Value sin = g.constant(table(false));
    Value deep = h;
    for (int i = 0; i < BLOCKS; i++) {
      List<Integer> within = i < BLOCKS - fullBlocks ? segments : List.of(PATCHES);
      h = block(s, g.at("blocks." + i), h, cos, sin, type, within);
      if (i == 0) {
        deep = h;
      }
    }
    Value merged = merge(s, g.at("merger"), layerNorm(s, g, h, "merger.norm", type), type);
    Value early = deep.reshape(PATCHES / MERGED, MERGED * HIDDEN);
    early = layerNorm(s, g, early, "deep.norm", type);
    early = merge(s, g.at("deep"), early, type);
    Value tokens = s.input("tokens", TOKENS, OUTPUT);
    Value ids = s.distinctIds("ids", TOKENS, PATCHES / MERGED);
    Value mixed = g.scatter(tokens, ids, merged, ScatterMode.REPLACE);
    g.output("merged", merged);
    g.output("hidden", h);
    g.output("mixed", g.scatter(mixed, ids, early, ScatterMode.ADD));
  }

  private static Value block(
      ScenarioBuilder s,
      GraphBuilder g,
      Value hidden,
      Value cos,
      Value sin,
      DType type,
      List<Integer> segments) {
    String at = g.layer() + ".";
    Value x = layerNorm(s, g, hidden, at + "norm1", type);
    Weight qkv = s.weight(at + "qkv.weight", type, 3 * HIDDEN, HIDDEN);
    Weight bias = s.weight(at + "qkv.bias", type, 3 * HIDDEN);
    Value[] projected = new Value[3];
    for (int i = 0; i < 3; i++) {
      int from = i * HIDDEN;
      int to = from + HIDDEN;
      projected[i] =
          g.linear(x, qkv.rows(from, to), bias.rows(from, to)).reshape(PATCHES, HEADS, HEAD_DIM);
    }
    Value q = g.rope(projected[0], cos, sin, RopePairing.HALVES);
    Value k = g.rope(projected[1], cos, sin, RopePairing.HALVES);
    float scale = (float) (1 / Math.sqrt(HEAD_DIM));
    Value mixed = g.attention(q, k, projected[2], scale, false, segments);
    g.output(at + "weights", g.attentionWeights(q, k, scale, false, segments));
    Value attended = linear(s, g, mixed.reshape(PATCHES, HIDDEN), at + "proj", HIDDEN, type);
    Value h = hidden.plus(attended);
    Value up = linear(s, g, layerNorm(s, g, h, at + "norm2", type), at + "fc1", INTERMEDIATE, type);
    return h.plus(linear(s, g, g.activate(Activation.GELU_TANH, up), at + "fc2", HIDDEN, type));
  }

  private static Value merge(ScenarioBuilder s, GraphBuilder g, Value x, DType type) {
    Value grouped = x.reshape(PATCHES / MERGED, MERGED * HIDDEN);
    Value first = linear(s, g, grouped, g.layer() + ".fc1", MERGED * HIDDEN, type);
    return linear(s, g, g.activate(Activation.GELU, first), g.layer() + ".fc2", OUTPUT, type);
  }

  private static Value linear(
      ScenarioBuilder s, GraphBuilder g, Value x, String name, int out, DType type) {
    Weight weight = s.weight(name + ".weight", type, out, x.shape().last());
    return g.linear(x, weight, s.weight(name + ".bias", type, out));
  }

  private static Value layerNorm(
      ScenarioBuilder s, GraphBuilder g, Value x, String name, DType type) {
    long size = x.shape().last();
    Weight weight = s.weight(name + ".weight", type, size);
    return g.layerNorm(x, weight, s.weight(name + ".bias", type, size), EPS);
  }

  private static Tensor table(boolean cosine) {
    int pairs = HEAD_DIM / 2;
    float[] values = new float[PATCHES * pairs];
    for (int i = 0; i < values.length; i++) {
      double angle = (i / pairs % 8) * Math.pow(10_000, -(i % pairs) / (double) pairs);
      values[i] = (float) (cosine ? Math.cos(angle) : Math.sin(angle));
    }
    return Tensor.ofFloats(values, PATCHES, pairs);
  }
}
