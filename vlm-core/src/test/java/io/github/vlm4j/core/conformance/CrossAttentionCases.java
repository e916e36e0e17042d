package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Value;
import java.util.ArrayList;
import java.util.List;

/** Attention of segments of queries to segments of keys of other lengths. */
final class CrossAttentionCases {

  /**
   * Which queries see which keys.
   *
   * @param queries the lengths of the segments of queries
   * @param keys the lengths of the segments of keys
   */
  private record Segments(List<Integer> queries, List<Integer> keys) {

    int rows() {
      return queries.stream().mapToInt(Integer::intValue).sum();
    }

    int keyRows() {
      return keys.stream().mapToInt(Integer::intValue).sum();
    }

    @Override
    public String toString() {
      return queries + " to " + keys;
    }
  }

  private CrossAttentionCases() {}

  static List<ConformanceCase> attention() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Segments segments : segments()) {
      cases.add(attention(segments, 2, 2, 64, 64));
      cases.add(attention(segments, 4, 1, 24, 24));
      cases.add(attention(segments, 3, 3, 17, 9));
    }
    cases.add(attention(new Segments(List.of(1), List.of(50)), 32, 32, 64, 64));
    cases.add(attention(new Segments(List.of(1, 1, 1), List.of(197, 197, 197)), 12, 12, 64, 64));
    return cases;
  }

  static List<ConformanceCase> weights() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Segments segments : segments()) {
      cases.add(weights(segments, 2, 2, 16));
      cases.add(weights(segments, 8, 2, 9));
    }
    return cases;
  }

  private static List<Segments> segments() {
    return List.of(
        new Segments(List.of(1), List.of(1)),
        new Segments(List.of(1), List.of(7)),
        new Segments(List.of(1), List.of(65)),
        new Segments(List.of(1), List.of(257)),
        new Segments(List.of(9), List.of(1)),
        new Segments(List.of(3), List.of(40)),
        new Segments(List.of(64), List.of(77)),
        new Segments(List.of(70), List.of(17)),
        new Segments(List.of(1, 1, 1, 1), List.of(50, 50, 50, 50)),
        new Segments(List.of(1, 1, 1), List.of(64, 1, 130)),
        new Segments(List.of(5, 1, 66), List.of(3, 127, 20)),
        new Segments(List.of(2, 3), List.of(3, 2)));
  }

  private static ConformanceCase attention(
      Segments segments, int heads, int keyHeads, int headDim, int valueDim) {
    return new ConformanceCase(
        "crossAttention " + label(segments, heads, keyHeads, headDim, valueDim),
        s -> {
          Value q = s.input("q", segments.rows(), heads, headDim);
          Value k = s.input("k", segments.keyRows(), keyHeads, headDim);
          Value v = s.input("v", segments.keyRows(), keyHeads, valueDim);
          float scale = (float) (1 / Math.sqrt(headDim));
          s.g().output("y", s.g().crossAttention(q, k, v, scale, segments.queries, segments.keys));
        });
  }

  private static ConformanceCase weights(Segments segments, int heads, int keyHeads, int headDim) {
    return new ConformanceCase(
        "crossAttentionWeights " + label(segments, heads, keyHeads, headDim, headDim),
        s -> {
          Value q = s.input("q", segments.rows(), heads, headDim);
          Value k = s.input("k", segments.keyRows(), keyHeads, headDim);
          s.g()
              .output(
                  "y", s.g().crossAttentionWeights(q, k, 0.25f, segments.queries, segments.keys));
        });
  }

  private static String label(
      Segments segments, int heads, int keyHeads, int headDim, int valueDim) {
    return "%s heads=%d/%d headDim=%d/%d".formatted(segments, heads, keyHeads, headDim, valueDim);
  }
}
