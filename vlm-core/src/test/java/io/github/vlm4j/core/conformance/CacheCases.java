package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Writing to states, and attention over what was written. */
final class CacheCases {

  private CacheCases() {}

  static List<ConformanceCase> append() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] row : new long[][] {{}, {1}, {7}, {2, 16}, {3, 17}}) {
      cases.add(append(10, row, 1, 0, 1));
      cases.add(append(10, row, 1, 9, 0));
      cases.add(append(10, row, 3, 2, 5));
      cases.add(append(10, row, 10, 0, 0));
    }
    cases.add(append(300, new long[] {2, 64}, 129, 3, 132));
    return cases;
  }

  static List<ConformanceCase> attention() {
    List<ConformanceCase> cases = new ArrayList<>();
    int[][] heads = {{1, 1}, {4, 2}, {4, 1}, {8, 1}};
    for (int position : new int[] {0, 1, 63, 64, 200}) {
      for (int n : new int[] {1, 2, 5, 17}) {
        for (int[] pair : heads) {
          cases.add(attention(position, n, pair[0], pair[1], 32, 256));
        }
        cases.add(attention(position, n, 2, 1, 33, 256));
        cases.add(attention(position, n, 4, 2, 128, position + n));
      }
    }
    cases.add(attention(0, 130, 4, 2, 64, 200));
    cases.add(attention(37, 100, 2, 2, 17, 300));
    cases.add(attention(500, 1, 8, 2, 64, 512));
    cases.add(differentValueSize());
    cases.add(decoding());
    for (int window : new int[] {1, 2, 7, 64, 65, 100, 130, 199, 200, 201, 5000}) {
      for (int n : new int[] {1, 2, 5, 17, 70}) {
        cases.add(windowed(window, 150, n, 4, 2, 32));
      }
      cases.add(windowed(window, 0, 1, 2, 1, 33));
      cases.add(windowed(window, 0, 200, 4, 2, 16));
      cases.add(windowed(window, 700, 1, 8, 2, 64));
      cases.add(windowed(window, 441, 133, 2, 2, 17));
    }
    for (int n : new int[] {1, 3, 40, 150}) {
      cases.add(extremesOutsideTheWindow(n));
    }
    return cases;
  }

  private static ConformanceCase append(int capacity, long[] row, int n, int first, int second) {
    Shape state = prefixed(capacity, row);
    Shape rows = prefixed(n, row);
    return new ConformanceCase(
        "append %s to %s at %d and %d".formatted(rows, state, first, second),
        s -> {
          GraphBuilder g = s.g();
          Value position = s.ints("p", () -> new int[] {0}, 1);
          Value x = s.input("x", rows.toArray());
          Value after = g.append(g.state("state", state), x, position);
          g.output("after", after);
          g.output("written", after.rows(0, capacity));
          g.output("rows", x);
          s.run(at(first));
          s.run(at(second));
        });
  }

  /** The cache is full of numbers that were written before and must not be seen. */
  private static ConformanceCase attention(
      int position, int n, int heads, int keyHeads, int headDim, int capacity) {
    return new ConformanceCase(
        "cachedAttention at %d n=%d heads=%d/%d headDim=%d capacity=%d"
            .formatted(position, n, heads, keyHeads, headDim, capacity),
        s -> {
          fill(s, capacity, keyHeads, headDim, headDim);
          s.nextGraph();
          attend(s, n, heads, keyHeads, headDim, headDim, capacity, 0);
          s.run(at(position));
          if (position + 2 * n <= capacity) {
            s.run(at(position + n));
          }
        });
  }

  private static ConformanceCase windowed(
      int window, int position, int n, int heads, int keyHeads, int headDim) {
    int capacity = position + 2 * n;
    return new ConformanceCase(
        "cachedAttention in a window of %d at %d n=%d heads=%d/%d headDim=%d"
            .formatted(window, position, n, heads, keyHeads, headDim),
        s -> {
          fill(s, capacity, keyHeads, headDim, headDim);
          s.nextGraph();
          attend(s, n, heads, keyHeads, headDim, headDim, capacity, window);
          s.run(at(position));
          s.run(at(position + n));
        });
  }

  /** What lies before the window, or after the rows, would drown or overflow everything. */
  private static ConformanceCase extremesOutsideTheWindow(int n) {
    int window = 20;
    int position = 180;
    int capacity = position + n + 90;
    return new ConformanceCase(
        "cachedAttention in a window of %d beside extreme numbers n=%d".formatted(window, n),
        s -> {
          GraphBuilder g = s.g();
          Value start = g.constant(Tensor.ofInts(new int[] {0}, 1));
          Shape cache = Shape.of(capacity, 2, 24);
          Supplier<float[]> extreme =
              () -> {
                float[] rows = s.normal(capacity * 48, 0, 1);
                for (int i = 0; i < rows.length; i++) {
                  int row = i / 48;
                  boolean seen = row > position - window && row < position + n;
                  rows[i] *= seen ? 1 : 1e37f;
                }
                return rows;
              };
          Value k = s.floats("k", extreme, capacity, 2, 24);
          Value v = s.floats("v", extreme, capacity, 2, 24);
          g.output("keys", g.append(g.state("keys", cache), k, start).rows(0, 1));
          g.output("values", g.append(g.state("values", cache), v, start).rows(0, 1));
          s.run();
          s.nextGraph();
          Value p = s.ints("p", () -> new int[] {position}, 1);
          Value q = s.input("q", n, 4, 24);
          Value keys = s.g().state("keys", cache);
          Value y = s.g().cachedAttention(q, keys, s.g().state("values", cache), p, 0.2f, window);
          s.g().output("y", y);
          s.run();
        });
  }

  private static ConformanceCase differentValueSize() {
    return new ConformanceCase(
        "cachedAttention at 9 n=4 heads=4/2 headDim=24/10",
        s -> {
          fill(s, 40, 2, 24, 10);
          s.nextGraph();
          attend(s, 4, 4, 2, 24, 10, 40, 0);
          s.run(at(9));
        });
  }

  private static ConformanceCase decoding() {
    return new ConformanceCase(
        "cachedAttention of a prefill of 61 and 8 single steps",
        s -> {
          attend(s, 61, 4, 2, 16, 16, 80, 0);
          s.run(at(0));
          s.nextGraph();
          attend(s, 1, 4, 2, 16, 16, 80, 0);
          for (int step = 0; step < 8; step++) {
            s.run(at(61 + step));
          }
        });
  }

  private static void fill(
      ScenarioBuilder s, int capacity, int keyHeads, int headDim, int valueDim) {
    GraphBuilder g = s.g();
    Value start = g.constant(Tensor.ofInts(new int[] {0}, 1));
    Value keys = g.state("keys", Shape.of(capacity, keyHeads, headDim));
    Value values = g.state("values", Shape.of(capacity, keyHeads, valueDim));
    Value k = s.input("k", 3, new long[] {capacity, keyHeads, headDim});
    Value v = s.input("v", 3, new long[] {capacity, keyHeads, valueDim});
    g.output("keys", g.append(keys, k, start).rows(0, 1));
    g.output("values", g.append(values, v, start).rows(0, 1));
    s.run();
  }

  private static void attend(
      ScenarioBuilder s,
      int n,
      int heads,
      int keyHeads,
      int headDim,
      int valueDim,
      int capacity,
      int window) {
    GraphBuilder g = s.g();
    Value position = s.ints("p", () -> new int[] {0}, 1);
    Value q = s.input("q", n, heads, headDim);
    Value k = s.input("k", n, keyHeads, headDim);
    Value v = s.input("v", n, keyHeads, valueDim);
    Value keys = g.append(g.state("keys", Shape.of(capacity, keyHeads, headDim)), k, position);
    Value values = g.append(g.state("values", Shape.of(capacity, keyHeads, valueDim)), v, position);
    float scale = (float) (1 / Math.sqrt(headDim));
    g.output("y", g.cachedAttention(q, keys, values, position, scale, window));
  }

  private static Map<String, Tensor> at(int position) {
    return Map.of("p", Tensor.ofInts(new int[] {position}, 1));
  }

  private static Shape prefixed(long first, long[] rest) {
    long[] dims = new long[rest.length + 1];
    dims[0] = first;
    System.arraycopy(rest, 0, dims, 1, rest.length);
    return Shape.of(dims);
  }
}
