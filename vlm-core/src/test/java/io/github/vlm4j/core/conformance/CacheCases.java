package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
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
    for (int[] row : new int[][] {{1, 1}, {1, 7}, {2, 16}, {3, 17}}) {
      cases.add(append(10, row[0], row[1], 1, 0, 1));
      cases.add(append(10, row[0], row[1], 1, 9, 0));
      cases.add(append(10, row[0], row[1], 3, 2, 5));
      cases.add(append(10, row[0], row[1], 10, 0, 0));
    }
    cases.add(append(300, 2, 64, 129, 3, 132));
    return cases;
  }

  /** Caches of another type than f32, which not every backend has. */
  static List<ConformanceCase> stored(DType dtype) {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] shape :
        new int[][] {
          {0, 1, 1, 1, 32, 5},
          {63, 1, 4, 2, 64, 80},
          {64, 5, 4, 2, 32, 90},
          {200, 17, 16, 1, 96, 256},
          {37, 70, 4, 2, 128, 300},
          {2100, 1, 4, 2, 32, 2200},
          {1030, 1, 16, 1, 64, 1100}
        }) {
      cases.add(stored(dtype, 0, shape[0], shape[1], shape[2], shape[3], shape[4], shape[5]));
    }
    cases.add(stored(dtype, 70, 150, 1, 4, 2, 32, 300));
    cases.add(stored(dtype, 1500, 2500, 1, 4, 2, 32, 2600));
    cases.add(stored(dtype, 65, 150, 40, 4, 2, 64, 300));
    if (!dtype.isQuantised()) {
      cases.add(stored(dtype, 0, 90, 1, 4, 2, 33, 100));
      cases.add(stored(dtype, 0, 90, 9, 6, 3, 17, 100));
    }
    return cases;
  }

  private static ConformanceCase stored(
      DType dtype,
      int window,
      int position,
      int n,
      int heads,
      int keyHeads,
      int headDim,
      int capacity) {
    return new ConformanceCase(
        "cachedAttention over %s in a window of %d at %d n=%d heads=%d/%d headDim=%d"
            .formatted(dtype, window, position, n, heads, keyHeads, headDim),
        s -> {
          fill(s, dtype, capacity, keyHeads, headDim, headDim);
          s.nextGraph();
          attend(s, dtype, n, heads, keyHeads, headDim, headDim, capacity, window);
          s.run(at(position));
          if (position + 2 * n <= capacity) {
            s.run(at(position + n));
          }
        });
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
    cases.add(attention(2100, 1, 4, 2, 32, 2200));
    cases.add(attention(4095, 1, 3, 1, 17, 4096));
    cases.add(attention(3000, 3, 2, 1, 16, 3100));
    cases.add(windowed(1500, 2500, 1, 4, 2, 32));
    cases.add(windowed(5000, 2500, 1, 4, 2, 32));
    return cases;
  }

  private static ConformanceCase append(
      int capacity, int heads, int size, int n, int first, int second) {
    Shape state = Shape.of(heads, capacity, size);
    Shape rows = Shape.of(n, heads, size);
    return new ConformanceCase(
        "append %s to %s at %d and %d".formatted(rows, state, first, second),
        s -> {
          GraphBuilder g = s.g();
          Value position = s.ints("p", () -> new int[] {0}, 1);
          Value x = s.input("x", rows.toArray());
          Value after = g.append(g.state("state", state), x, position);
          g.output("after", after);
          g.output("written", after.rows(0, heads));
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
          fill(s, DType.F32, capacity, keyHeads, headDim, headDim);
          s.nextGraph();
          attend(s, DType.F32, n, heads, keyHeads, headDim, headDim, capacity, 0);
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
          fill(s, DType.F32, capacity, keyHeads, headDim, headDim);
          s.nextGraph();
          attend(s, DType.F32, n, heads, keyHeads, headDim, headDim, capacity, window);
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
          Shape cache = Shape.of(2, capacity, 24);
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
          fill(s, DType.F32, 40, 2, 24, 10);
          s.nextGraph();
          attend(s, DType.F32, 4, 4, 2, 24, 10, 40, 0);
          s.run(at(9));
        });
  }

  private static ConformanceCase decoding() {
    return new ConformanceCase(
        "cachedAttention of a prefill of 61 and 8 single steps",
        s -> {
          attend(s, DType.F32, 61, 4, 2, 16, 16, 80, 0);
          s.run(at(0));
          s.nextGraph();
          attend(s, DType.F32, 1, 4, 2, 16, 16, 80, 0);
          for (int step = 0; step < 8; step++) {
            s.run(at(61 + step));
          }
        });
  }

  private static void fill(
      ScenarioBuilder s, DType dtype, int capacity, int keyHeads, int headDim, int valueDim) {
    GraphBuilder g = s.g();
    Value start = g.constant(Tensor.ofInts(new int[] {0}, 1));
    Value keys = g.state("keys", dtype, Shape.of(keyHeads, capacity, headDim));
    Value values = g.state("values", dtype, Shape.of(keyHeads, capacity, valueDim));
    Value k = s.input("k", 3, new long[] {capacity, keyHeads, headDim});
    Value v = s.input("v", 3, new long[] {capacity, keyHeads, valueDim});
    Value q = s.input("q", 1, keyHeads, headDim);
    Value after = g.append(keys, k, start);
    g.output("filled", g.cachedAttention(q, after, g.append(values, v, start), start, 1));
    s.run();
  }

  private static void attend(
      ScenarioBuilder s,
      DType dtype,
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
    Shape keyCache = Shape.of(keyHeads, capacity, headDim);
    Shape valueCache = Shape.of(keyHeads, capacity, valueDim);
    Value keys = g.append(g.state("keys", dtype, keyCache), k, position);
    Value values = g.append(g.state("values", dtype, valueCache), v, position);
    float scale = (float) (1 / Math.sqrt(headDim));
    g.output("y", g.cachedAttention(q, keys, values, position, scale, window));
  }

  private static Map<String, Tensor> at(int position) {
    return Map.of("p", Tensor.ofInts(new int[] {position}, 1));
  }
}
