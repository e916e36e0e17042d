package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small whole models with random weights. */
final class ModelCases {

  private static final int CAPACITY = 48;
  private static final int TOKENS = 29;

  private ModelCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
      cases.add(decoder("one prefill", type, TOKENS));
      cases.add(decoder("a prefill and single steps", type, 23, 1, 1, 1, 1, 1, 1));
      cases.add(vision("a window and a full block", type, 1, List.of(16, 16, 16)));
      cases.add(vision("two pictures", type, 1, List.of(28, 20)));
    }
    cases.add(decoder("three chunks", DType.BF16, 1, 17, 11));
    cases.add(decoder("single steps only", DType.BF16, 1, 1, 1, 1));
    cases.add(bothWays());
    cases.add(classToken());
    return cases;
  }

  private static ConformanceCase decoder(String what, DType type, int... chunks) {
    return new ConformanceCase(
        "model: decoder of 2 layers %s, %s: %s tokens"
            .formatted(type, what, Arrays.toString(chunks)),
        s -> {
          s.compare(Scenario.Strictness.CHAIN);
          TinyDecoder decoder = new TinyDecoder(s, type);
          decode(
              s, decoder, "", s.random().ints(TOKENS, 0, TinyDecoder.VOCABULARY).toArray(), chunks);
        });
  }

  /** Reads the same tokens at once and in parts, each with states of its own. */
  static ConformanceCase bothWays() {
    return new ConformanceCase(
        "model: decoder of 2 layers, the same tokens at once and in parts",
        s -> {
          s.compare(Scenario.Strictness.CHAIN);
          TinyDecoder decoder = new TinyDecoder(s, DType.BF16);
          int[] tokens = s.random().ints(TOKENS, 0, TinyDecoder.VOCABULARY).toArray();
          decode(s, decoder, "once.", tokens, TOKENS);
          s.nextGraph();
          decode(s, decoder, "parts.", tokens, 20, 8, 1);
        });
  }

  /** Runs the chunks after each other; chunks of one length share a graph. */
  private static void decode(
      ScenarioBuilder s, TinyDecoder decoder, String states, int[] tokens, int... chunks) {
    int position = 0;
    int built = 0;
    for (int chunk : chunks) {
      if (chunk != built) {
        if (built != 0) {
          s.nextGraph();
        }
        decoder.addTo(s, chunk, CAPACITY, states);
        built = chunk;
      }
      Map<String, Tensor> inputs = new LinkedHashMap<>(TinyDecoder.tables(position, chunk));
      int[] ids = Arrays.copyOfRange(tokens, position, position + chunk);
      inputs.put("ids", Tensor.ofInts(ids, chunk));
      inputs.put("position", Tensor.ofInts(new int[] {position}, 1));
      s.run(inputs);
      position += chunk;
    }
  }

  private static ConformanceCase vision(
      String what, DType type, int fullBlocks, List<Integer> segments) {
    return new ConformanceCase(
        "model: ViT of 2 blocks %s, %s: segments %s".formatted(type, what, segments),
        s -> {
          s.compare(Scenario.Strictness.CHAIN);
          TinyVision.addTo(s, type, segments, what.startsWith("two") ? 0 : fullBlocks);
        });
  }

  /** A ViT's beginning and end with a class token, absolute positions and QuickGELU. */
  private static ConformanceCase classToken() {
    return new ConformanceCase(
        "model: ViT embedding with a class token and pooled output",
        s -> {
          s.compare(Scenario.Strictness.CHAIN);
          GraphBuilder g = s.g();
          Value pixels = s.input("pixels", 36, 48);
          Value patches =
              g.linear(pixels, s.weight("conv", DType.F16, 33, 3, 4, 4).reshape(33, 48), null);
          Value token = g.parameter(s.weight("class", DType.F32, 33)).reshape(1, 33);
          Value positions = g.parameter(s.weight("positions", DType.F16, 40, 33)).rows(0, 37);
          Value h = g.concat(token, patches).plus(positions);
          h =
              g.layerNorm(
                  h, s.weight("pre.w", DType.F32, 33), s.weight("pre.b", DType.F32, 33), 1e-5f);
          Value q = heads(s, g, h, "q");
          Value k = heads(s, g, h, "k");
          Value v = heads(s, g, h, "v");
          Value mixed = g.attention(q, k, v, 0.3f, false).reshape(37, 33);
          g.output("attention", g.attentionWeights(q, k, 0.3f, false, List.of(37)));
          h = h.plus(g.activate(Activation.QUICK_GELU, mixed));
          Weight project = s.weight("project", DType.F16, 10, 33);
          g.output("pooled", g.linear(h.rows(0, 1), project, null));
          g.output("patches", h.rows(1, 37));
        });
  }

  private static Value heads(ScenarioBuilder s, GraphBuilder g, Value h, String name) {
    Weight weight = s.weight(name + ".weight", DType.F16, 33, 33);
    return g.linear(h, weight, s.weight(name + ".bias", DType.F16, 33)).reshape(37, 3, 11);
  }
}
