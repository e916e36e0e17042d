package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Attention over whole sequences and segments, its weights, and rotary positions. */
final class AttentionCases {

  /**
   * The sizes of an attention.
   *
   * @param n rows
   * @param heads query heads
   * @param keyHeads key/value heads
   * @param headDim of queries and keys
   * @param valueDim of values
   */
  private record Sizes(int n, int heads, int keyHeads, int headDim, int valueDim) {

    static Sizes of(int n, int heads, int keyHeads, int headDim) {
      return new Sizes(n, heads, keyHeads, headDim, headDim);
    }

    float scale() {
      return (float) (1 / Math.sqrt(headDim));
    }

    @Override
    public String toString() {
      return "n=%d heads=%d/%d headDim=%d%s"
          .formatted(n, heads, keyHeads, headDim, valueDim == headDim ? "" : "/" + valueDim);
    }
  }

  private AttentionCases() {}

  static List<ConformanceCase> attention() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Sizes sizes : sizes()) {
      cases.add(attention(sizes, false, List.of(sizes.n)));
      cases.add(attention(sizes, true, List.of(sizes.n)));
    }
    for (List<Integer> segments : segmentations()) {
      int n = segments.stream().mapToInt(Integer::intValue).sum();
      cases.add(attention(Sizes.of(n, 4, 2, 24), false, segments));
      cases.add(attention(Sizes.of(n, 3, 3, 17), true, segments));
    }
    cases.add(extreme("equal scores", () -> 0, () -> 0));
    for (boolean causal : new boolean[] {false, true}) {
      cases.add(large(causal));
      cases.add(negative(causal));
      cases.add(ofOneValue(causal));
    }
    return cases;
  }

  static List<ConformanceCase> weights() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int n : new int[] {1, 2, 7, 16, 33, 130}) {
      for (boolean causal : new boolean[] {false, true}) {
        cases.add(weights(Sizes.of(n, 4, 2, 24), causal, List.of(n)));
        cases.add(weights(Sizes.of(n, 3, 1, 17), causal, List.of(n)));
      }
    }
    for (List<Integer> segments : segmentations()) {
      int n = segments.stream().mapToInt(Integer::intValue).sum();
      cases.add(weights(Sizes.of(n, 2, 2, 16), false, segments));
      cases.add(weights(Sizes.of(n, 8, 1, 9), true, segments));
    }
    return cases;
  }

  static List<ConformanceCase> rope() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (RopePairing pairing : RopePairing.values()) {
      for (int n : new int[] {1, 3, 17, 130}) {
        for (int[] head :
            new int[][] {{1, 2}, {3, 8}, {2, 17}, {5, 34}, {8, 64}, {4, 80}, {2, 128}}) {
          cases.add(rope(pairing, n, head[0], head[1], head[1] / 2, false));
        }
        cases.add(rope(pairing, n, 3, 64, 16, false));
        cases.add(rope(pairing, n, 2, 33, 5, false));
        cases.add(rope(pairing, n, 2, 9, 1, false));
        cases.add(rope(pairing, n, 4, 48, 24, true));
        cases.add(rope(pairing, n, 4, 48, 10, true));
      }
    }
    return cases;
  }

  private static List<Sizes> sizes() {
    List<Sizes> sizes = new ArrayList<>();
    int[][] heads = {{1, 1}, {4, 2}, {4, 1}, {8, 1}, {3, 3}, {6, 2}};
    for (int n : new int[] {1, 3, 17}) {
      for (int[] pair : heads) {
        for (int headDim : new int[] {1, 8, 17, 32, 64, 80, 128}) {
          sizes.add(Sizes.of(n, pair[0], pair[1], headDim));
        }
      }
    }
    for (int n : new int[] {2, 4, 5, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 127, 128, 129}) {
      sizes.add(Sizes.of(n, 4, 2, 32));
      sizes.add(Sizes.of(n, 2, 1, 13));
    }
    sizes.add(Sizes.of(300, 4, 2, 64));
    sizes.add(Sizes.of(257, 8, 1, 17));
    sizes.add(Sizes.of(300, 1, 1, 128));
    sizes.add(Sizes.of(191, 2, 2, 72));
    sizes.add(new Sizes(21, 4, 2, 16, 24));
    sizes.add(new Sizes(70, 2, 1, 33, 7));
    sizes.add(new Sizes(5, 2, 2, 40, 1));
    return sizes;
  }

  private static List<List<Integer>> segmentations() {
    return List.of(
        List.of(1, 1, 1),
        List.of(5, 12),
        List.of(12, 5, 1),
        List.of(64, 64, 1),
        List.of(1, 70, 3, 65),
        List.of(16, 16, 16, 16, 16));
  }

  private static ConformanceCase attention(Sizes sizes, boolean causal, List<Integer> segments) {
    return new ConformanceCase(
        "attention " + label(sizes, causal, segments),
        s -> {
          Value q = s.input("q", sizes.n, sizes.heads, sizes.headDim);
          Value k = s.input("k", sizes.n, sizes.keyHeads, sizes.headDim);
          Value v = s.input("v", sizes.n, sizes.keyHeads, sizes.valueDim);
          s.g().output("y", s.g().attention(q, k, v, sizes.scale(), causal, segments));
          if (sizes.n > 128) {
            s.run();
          }
        });
  }

  private static ConformanceCase weights(Sizes sizes, boolean causal, List<Integer> segments) {
    return new ConformanceCase(
        "attentionWeights " + label(sizes, causal, segments),
        s -> {
          Value q = s.input("q", sizes.n, sizes.heads, sizes.headDim);
          Value k = s.input("k", sizes.n, sizes.keyHeads, sizes.headDim);
          s.g().output("y", s.g().attentionWeights(q, k, sizes.scale(), causal, segments));
        });
  }

  private static String label(Sizes sizes, boolean causal, List<Integer> segments) {
    return sizes
        + (causal ? " causal" : " bidirectional")
        + (segments.size() == 1 ? "" : " segments=" + segments);
  }

  /** Whole numbers and a power of two as scale keep large scores exact, so that none is close. */
  private static ConformanceCase extreme(
      String what, Supplier<Integer> query, Supplier<Integer> key) {
    return new ConformanceCase(
        "attention of " + what,
        s -> {
          Value q = s.floats("q", () -> filled(23 * 2 * 16, query), 23, 2, 16);
          Value k = s.floats("k", () -> filled(23 * 16, key), 23, 1, 16);
          Value v = s.input("v", 23, 1, 16);
          s.g().output("y", s.g().attention(q, k, v, 0.25f, false));
          s.g().output("w", s.g().attentionWeights(q, k, 0.25f, false, List.of(23)));
        });
  }

  private static ConformanceCase large(boolean causal) {
    return new ConformanceCase(
        "attention of scores of ±16000" + (causal ? " causal" : " bidirectional"),
        s -> {
          GraphBuilder g = s.g();
          Supplier<Integer> any = () -> s.random().nextInt(-64, 65);
          Value q = s.floats("q", () -> filled(70 * 4 * 16, any), 70, 4, 16);
          Value k = s.floats("k", () -> filled(70 * 2 * 16, any), 70, 2, 16);
          Value v = s.input("v", 70, 2, 16);
          g.output("y", g.attention(q, k, v, 0.25f, causal));
          g.output("w", g.attentionWeights(q, k, 0.25f, causal, List.of(70)));
        });
  }

  private static ConformanceCase negative(boolean causal) {
    return new ConformanceCase(
        "attention of scores below -1000" + (causal ? " causal" : " bidirectional"),
        s -> {
          GraphBuilder g = s.g();
          Value q = s.floats("q", () -> filled(67 * 2 * 8, () -> 64), 67, 2, 8);
          Supplier<Integer> below = () -> -s.random().nextInt(32, 36);
          Value k = s.floats("k", () -> filled(67 * 8, below), 67, 1, 8);
          Value v = s.input("v", 67, 1, 8);
          g.output("y", g.attention(q, k, v, 0.125f, causal));
          g.output("w", g.attentionWeights(q, k, 0.125f, causal, List.of(67)));
        });
  }

  private static ConformanceCase ofOneValue(boolean causal) {
    return new ConformanceCase(
        "attention of one value as queries, keys and values"
            + (causal ? " causal" : " bidirectional"),
        s -> {
          Value x = s.input("x", 19, 3, 20);
          s.g().output("y", s.g().attention(x, x, x, 0.2f, causal));
        });
  }

  private static float[] filled(int elements, Supplier<Integer> value) {
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = value.get();
    }
    return values;
  }

  private static ConformanceCase rope(
      RopePairing pairing, int n, int heads, int headDim, int pairs, boolean constant) {
    return new ConformanceCase(
        "rope %s [%d, %d, %d] of %d pairs%s"
            .formatted(pairing, n, heads, headDim, pairs, constant ? ", constant tables" : ""),
        s -> {
          Value x = s.input("x", n, heads, headDim);
          float[] angles = s.normal(n * pairs, 0, 3);
          Value cos = table(s, "cos", angles, n, pairs, constant);
          Value sin = table(s, "sin", angles, n, pairs, constant);
          s.g().output("y", s.g().rope(x, cos, sin, pairing));
        });
  }

  private static Value table(
      ScenarioBuilder s, String name, float[] angles, int n, int pairs, boolean constant) {
    float[] values = new float[angles.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (name.equals("cos") ? Math.cos(angles[i]) : Math.sin(angles[i]));
    }
    return constant
        ? s.g().constant(Tensor.ofFloats(values, n, pairs))
        : s.floats(name, values::clone, n, pairs);
  }
}
