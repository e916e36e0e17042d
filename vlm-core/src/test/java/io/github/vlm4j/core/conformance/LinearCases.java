package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;

/** Matrix products with weights of each stored type. */
final class LinearCases {

  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

  /** Types that are stored in blocks, of which a row is a whole number. */
  static final List<DType> QUANTISED = List.of(DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);

  private static final int ALL_HALVES = 1 << 16;

  /** Products of more terms are computed once and not twice, for the time it takes. */
  private static final long ONCE = 2_000_000;

  private LinearCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int n : new int[] {1, 2, 3, 5, 17, 129}) {
      for (int in : new int[] {1, 7, 64, 129, 1000}) {
        for (int out : new int[] {1, 5, 64, 257}) {
          for (DType type : TYPES) {
            cases.add(plain(n, in, out, type, false));
            cases.add(plain(n, in, out, type, true));
          }
        }
      }
    }
    for (DType type : TYPES) {
      cases.add(plain(1, 2048, 1031, type, true));
      cases.add(plain(16, 96, 96, type, false));
      cases.add(plain(67, 515, 390, type, true));
      cases.add(plain(193, 130, 71, type, true));
      cases.add(plain(260, 33, 37, type, false));
      cases.add(everyRank(type));
      cases.add(rowRanges(type));
      cases.add(kernelAsMatrix(type));
      for (InMemoryWeights.Placement placement : InMemoryWeights.Placement.values()) {
        cases.add(placed(type, placement, 1, 70));
        cases.add(placed(type, placement, 19, 70));
      }
      cases.add(siblings(type));
    }
    for (DType type : QUANTISED) {
      addQuantised(type, cases);
    }
    cases.add(largest());
    cases.add(mixedTypes());
    cases.add(tied());
    for (int n : new int[] {1, 3, 64}) {
      cases.add(everyBitPattern(DType.F16, n));
      cases.add(everyBitPattern(DType.BF16, n));
    }
    return cases;
  }

  private static void addQuantised(DType type, List<ConformanceCase> cases) {
    int block = type.blockElements();
    for (int n : new int[] {1, 2, 3, 17, 129, 200}) {
      for (int blocks : new int[] {1, 2, 3, 5}) {
        for (int out : new int[] {1, 5, 67}) {
          cases.add(plain(n, blocks * block, out, type, (blocks + out) % 3 == 0));
        }
      }
    }
    cases.add(plain(1, 2048, 1031, type, true));
    cases.add(plain(35, 768, 390, type, true));
    cases.add(plain(193, 1280, 71, type, true));
    cases.add(ranges(type, 2 * block));
    cases.add(table(type, 2 * block));
    cases.add(extremes(type));
    for (InMemoryWeights.Placement placement : InMemoryWeights.Placement.values()) {
      for (int n : new int[] {1, 19, 170}) {
        cases.add(placed(type, placement, n, 3 * block));
      }
    }
  }

  private static ConformanceCase ranges(DType type, int in) {
    return new ConformanceCase(
        "linear with ranges of a fused weight's rows " + type,
        s -> {
          GraphBuilder g = s.g();
          Weight w = s.weight("qkv.weight", type, 40, in);
          Weight b = s.weight("qkv.bias", DType.F32, 40);
          Value x = s.input("x", 11, in);
          g.output("q", g.linear(x, w.rows(0, 24), b.rows(0, 24)));
          g.output("inner", g.linear(x, w.rows(8, 40).rows(5, 6), b.rows(13, 14)));
          g.output("one row", g.linear(x.rows(4, 5), w.rows(7, 31), null));
        });
  }

  private static ConformanceCase table(DType type, int in) {
    return new ConformanceCase(
        "linear with the embedding's table " + type,
        s -> {
          GraphBuilder g = s.g();
          Weight table = s.weight("table", type, 50, in);
          Value hidden = g.embedding(table, s.ids("ids", 50, 7));
          g.output("hidden", hidden);
          g.output("logits", g.linear(hidden, table, null));
        });
  }

  /** Rows of zeros, of one number alone, of equal numbers, tiny and large ones. */
  private static ConformanceCase extremes(DType type) {
    return new ConformanceCase(
        "linear with rows of every kind " + type,
        s -> {
          int in = 256;
          float[] values = s.normal(9 * in, 0, 1);
          for (int i = 0; i < in; i++) {
            values[i] = 0;
            values[in + i] = i == 77 ? -3 : 0;
            values[2 * in + i] = 0.7f;
            values[3 * in + i] *= 1e-6f;
            values[4 * in + i] *= 3e3f;
            values[5 * in + i] = Math.abs(values[5 * in + i]);
            values[6 * in + i] = -Math.abs(values[6 * in + i]);
          }
          Weight w = s.weight("w", type, values, 9, in);
          for (int n : new int[] {1, 20, 180}) {
            s.nextGraph();
            s.g().output("y", s.g().linear(s.input("x", n, in), w, null));
            s.run();
          }
        });
  }

  private static ConformanceCase plain(int n, int in, int out, DType type, boolean bias) {
    return new ConformanceCase(
        "linear [%d, %d] → [%d, %d] %s%s".formatted(n, in, n, out, type, bias ? " bias" : ""),
        s -> {
          Weight w = s.weight("w", type, out, in);
          DType biasType = type.isQuantised() ? DType.F32 : type;
          Weight b = bias ? s.weight("b", biasType, out) : null;
          s.g().output("y", s.g().linear(s.input("x", n, in), w, b));
          if ((long) n * in * out > ONCE) {
            s.run();
          }
        });
  }

  private static ConformanceCase largest() {
    return new ConformanceCase(
        "linear [301, 640] → [301, 523] BF16, large",
        s -> {
          Weight w = s.weight("w", DType.BF16, 523, 640);
          s.g().output("y", s.g().linear(s.input("x", 301, 640), w, null));
          s.run();
        });
  }

  private static ConformanceCase everyRank(DType type) {
    return new ConformanceCase(
        "linear of ranks 1, 3 and 4 " + type,
        s -> {
          GraphBuilder g = s.g();
          Weight w = s.weight("w", type, 9, 21);
          Weight b = s.weight("b", type, 9);
          g.output("rank 1", g.linear(s.input("a", 21), w, b));
          g.output("rank 3", g.linear(s.input("b", 3, 5, 21), w, null));
          g.output("rank 4", g.linear(s.input("c", 2, 1, 3, 21), w, b));
        });
  }

  private static ConformanceCase rowRanges(DType type) {
    return new ConformanceCase(
        "linear with ranges of a fused weight's rows " + type,
        s -> {
          GraphBuilder g = s.g();
          Weight w = s.weight("qkv.weight", type, 24 + 8 + 8, 33);
          Weight b = s.weight("qkv.bias", type, 24 + 8 + 8);
          Value x = s.input("x", 11, 33);
          g.output("q", g.linear(x, w.rows(0, 24), b.rows(0, 24)));
          g.output("k", g.linear(x, w.rows(24, 32), b.rows(24, 32)));
          g.output("v", g.linear(x, w.rows(32, 40), b.rows(32, 40)));
          g.output("inner", g.linear(x, w.rows(8, 40).rows(5, 6), b.rows(13, 14)));
          g.output("whole", g.linear(x, w, b));
          g.output("one row", g.linear(x.rows(4, 5), w.rows(7, 31), null));
        });
  }

  private static ConformanceCase kernelAsMatrix(DType type) {
    return new ConformanceCase(
        "linear with a convolution kernel seen as a matrix " + type,
        s -> {
          GraphBuilder g = s.g();
          Weight kernel = s.weight("kernel", type, 13, 3, 2, 4, 4);
          Value x = s.input("x", 10, 3 * 2 * 4 * 4);
          g.output("y", g.linear(x, kernel.reshape(13, 96), s.weight("b", type, 13)));
          g.output("part", g.linear(x, kernel.reshape(13, 96).rows(5, 12), null));
        });
  }

  private static ConformanceCase placed(
      DType type, InMemoryWeights.Placement placement, int n, int in) {
    return new ConformanceCase(
        "linear [%d, %d] → [%d, 37] %s, weights %s".formatted(n, in, n, type, placement),
        s -> {
          s.place(placement);
          Weight w = s.weight("w", type, 37, in);
          Weight b = s.weight("b", type.isQuantised() ? DType.F32 : type, 37);
          s.g().output("y", s.g().linear(s.input("x", n, in), w, b));
        });
  }

  private static ConformanceCase siblings(DType type) {
    return new ConformanceCase(
        "linear thrice of one input " + type,
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 1, 100);
          g.output("q", g.linear(x, s.weight("q", type, 48, 100), null));
          g.output("k", g.linear(x, s.weight("k", type, 16, 100), s.weight("kb", type, 16)));
          g.output("v", g.linear(x, s.weight("v", type, 17, 100), null));
        });
  }

  private static ConformanceCase mixedTypes() {
    return new ConformanceCase(
        "linear with a bias of another type than the weight",
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 6, 20);
          for (DType type : TYPES) {
            for (DType biasType : TYPES) {
              Weight w = s.weight("w" + type + biasType, type, 10, 20);
              Weight b = s.weight("b" + type + biasType, biasType, 10);
              g.output(type + " with " + biasType, g.linear(x, w, b));
            }
          }
        });
  }

  private static ConformanceCase tied() {
    return new ConformanceCase(
        "linear with the embedding's table",
        s -> {
          GraphBuilder g = s.g();
          Weight table = s.weight("table", DType.BF16, 50, 24);
          Value hidden = g.embedding(table, s.ids("ids", 50, 7));
          g.output("hidden", hidden);
          g.output("logits", g.linear(hidden, table, null));
        });
  }

  /** Each element of the weight is picked by a one, so that nothing is lost in a sum. */
  private static ConformanceCase everyBitPattern(DType type, int n) {
    return new ConformanceCase(
        "linear with every finite bit pattern as weight, %d rows, %s".formatted(n, type),
        s -> {
          s.compare(Scenario.Strictness.ELEMENT);
          int out = ALL_HALVES / 64;
          Weight w = s.weightBits("w", type, finitePatterns(type), out, 64);
          GraphBuilder g = s.g();
          int[] run = {0};
          Value x =
              s.floats(
                  "x",
                  () -> {
                    int first = run[0]++ * 29;
                    float[] ones = new float[n * 64];
                    for (int row = 0; row < n; row++) {
                      ones[row * 64 + (first + row) % 64] = 1;
                    }
                    return ones;
                  },
                  n,
                  64);
          g.output("y", g.linear(x, w, null));
        });
  }

  /** Returns all bit patterns with 0 in the place of infinities and NaNs. */
  static short[] finitePatterns(DType type) {
    short[] patterns = new short[ALL_HALVES];
    int exponent = type == DType.F16 ? 0x7c00 : 0x7f80;
    for (int bits = 0; bits < ALL_HALVES; bits++) {
      patterns[bits] = (bits & exponent) == exponent ? 0 : (short) bits;
    }
    return patterns;
  }
}
