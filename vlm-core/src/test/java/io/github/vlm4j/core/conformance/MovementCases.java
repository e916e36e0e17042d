package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows, reshapes, concatenations, lookups in tables and scatters. */
final class MovementCases {

  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

  private MovementCases() {}

  static List<ConformanceCase> rows() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] shape : new long[][] {{9}, {9, 1}, {9, 17}, {9, 3, 5}, {9, 64}}) {
      for (int[] range : new int[][] {{0, 9}, {0, 1}, {8, 9}, {2, 7}, {3, 6}}) {
        cases.add(
            new ConformanceCase(
                "rows %d to %d of %s".formatted(range[0], range[1], Arrays.toString(shape)),
                s -> {
                  Value x = s.input("x", shape);
                  s.g().output("of input", x.rows(range[0], range[1]));
                  Value doubled = x.plus(x);
                  s.g().output("of computed", doubled.rows(range[0], range[1]));
                }));
      }
    }
    return cases;
  }

  static List<ConformanceCase> reshape() {
    return List.of(
        new ConformanceCase(
            "reshape [6, 20] of input, computed, constant and parameter",
            s -> {
              GraphBuilder g = s.g();
              Value x = s.input("x", 6, 20);
              g.output("of input", x.reshape(3, 2, 4, 5));
              g.output("of computed", x.plus(x).reshape(120));
              g.output("back", x.times(x).reshape(-1, 8).reshape(6, 20).plus(x));
              g.output("of parameter", g.parameter(s.weight("p", DType.F32, 6, 20)).reshape(5, 24));
              g.output(
                  "of constant",
                  g.constant(Tensor.ofFloats(s.normal(120, 0, 1), 6, 20)).reshape(120, 1));
            }),
        new ConformanceCase(
            "reshape [8, 6] to heads and merged patches",
            s -> {
              GraphBuilder g = s.g();
              Value x = g.linear(s.input("x", 8, 10), s.weight("w", DType.BF16, 6, 10), null);
              g.output("heads", x.reshape(8, 2, 3));
              g.output(
                  "merged", g.linear(x.reshape(2, 24), s.weight("m", DType.BF16, 5, 24), null));
            }));
  }

  static List<ConformanceCase> concat() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int[] parts : new int[][] {{1}, {1, 1}, {3, 5}, {2, 1, 7, 4}, {64, 65}}) {
      for (long[] row : new long[][] {{}, {1}, {17}, {2, 9}}) {
        cases.add(
            new ConformanceCase(
                "concat of %s rows of %s".formatted(Arrays.toString(parts), Arrays.toString(row)),
                s -> {
                  Value[] values = new Value[parts.length];
                  for (int i = 0; i < parts.length; i++) {
                    long[] dims = new long[row.length + 1];
                    dims[0] = parts[i];
                    System.arraycopy(row, 0, dims, 1, row.length);
                    values[i] = s.input("part" + i, dims);
                  }
                  s.g().output("y", s.g().concat(values));
                }));
      }
    }
    cases.add(
        new ConformanceCase(
            "concat of one value twice, a view and a parameter",
            s -> {
              GraphBuilder g = s.g();
              Value x = s.input("x", 4, 6);
              Value p = g.parameter(s.weight("class", DType.F32, 1, 6));
              g.output("y", g.concat(p, x, x.rows(1, 3), x));
              Value h = x.times(x);
              g.output("rotated", g.concat(h.rows(3, 4), h.rows(0, 3)));
            }));
    return cases;
  }

  static List<ConformanceCase> gather() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (DType type : TYPES) {
      for (int[] table : new int[][] {{1, 1}, {5, 7}, {50, 64}, {333, 129}}) {
        for (int count : new int[] {1, 2, 17, 200}) {
          cases.add(
              new ConformanceCase(
                  "gather %d of [%d, %d] %s".formatted(count, table[0], table[1], type),
                  s -> {
                    Weight w = s.weight("table", type, table[0], table[1]);
                    Value ids = s.ids("ids", table[0], count);
                    s.g().output("y", s.g().embedding(w, ids));
                  }));
        }
      }
      cases.add(
          new ConformanceCase(
              "gather from parts of a table " + type,
              s -> {
                GraphBuilder g = s.g();
                Weight w = s.weight("table", type, 30, 11);
                Value ids = s.ids("ids", 10, 9);
                g.output("of weight rows", g.embedding(w.rows(20, 30), ids));
                g.output("of value rows", g.gather(g.parameter(w).rows(7, 17), ids));
                g.output("some ids", g.embedding(w, ids.rows(3, 8)));
              }));
      cases.add(
          new ConformanceCase(
              "gather from a table at an odd address " + type,
              s -> {
                s.place(InMemoryWeights.Placement.ODD);
                Weight w = s.weight("table", type, 30, 11);
                s.g().output("y", s.g().embedding(w, s.ids("ids", 30, 9)));
              }));
    }
    for (DType type : LinearCases.QUANTISED) {
      int in = 3 * type.blockElements();
      cases.add(
          new ConformanceCase(
              "gather from a table and its parts " + type,
              s -> {
                s.place(InMemoryWeights.Placement.ODD);
                GraphBuilder g = s.g();
                Weight w = s.weight("table", type, 30, in);
                Value ids = s.ids("ids", 10, 9);
                g.output("whole", g.embedding(w, s.ids("all", 30, 40)));
                g.output("of weight rows", g.embedding(w.rows(20, 30), ids));
                g.output("of value rows", g.gather(g.parameter(w).rows(7, 17), ids));
              }));
    }
    for (DType type : List.of(DType.F16, DType.BF16)) {
      cases.add(
          new ConformanceCase(
              "gather of every finite bit pattern " + type,
              s -> {
                s.compare(Scenario.Strictness.ELEMENT);
                Weight w = s.weightBits("table", type, LinearCases.finitePatterns(type), 256, 256);
                Value ids = s.distinctIds("ids", 256, 256);
                s.g().output("y", s.g().embedding(w, ids));
              }));
    }
    cases.add(
        new ConformanceCase(
            "gather from an input and from a computed table",
            s -> {
              GraphBuilder g = s.g();
              Value table = s.input("table", 12, 10);
              Value ids = s.ids("ids", 12, 20);
              g.output("of input", g.gather(table, ids));
              g.output("of computed", g.gather(table.times(table), ids));
              Value order = g.constant(Tensor.ofInts(new int[] {3, 3, 0, 11}, 4));
              g.output("constant ids", g.gather(table, order));
            }));
    return cases;
  }

  static List<ConformanceCase> weightedGather() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (DType type : TYPES) {
      for (int terms : new int[] {1, 2, 4, 5}) {
        for (int[] size : new int[][] {{1, 1}, {3, 7}, {17, 64}, {130, 33}}) {
          cases.add(
              new ConformanceCase(
                  "weightedGather of %d terms [%d, %d] %s".formatted(terms, size[0], size[1], type),
                  s -> {
                    Weight table = s.weight("table", type, 49, size[1]);
                    Value ids = s.ids("ids", 49, size[0], terms);
                    Value weights = s.input("weights", size[0], terms);
                    s.g().output("y", s.g().weightedGather(table, ids, weights));
                  }));
        }
      }
    }
    cases.add(
        new ConformanceCase(
            "weightedGather with constant ids and weights, one row twice",
            s -> {
              GraphBuilder g = s.g();
              Value ids = g.constant(Tensor.ofInts(new int[] {4, 4, 0, 2}, 2, 2));
              float[] parts = {0.25f, 0.75f, 0f, 1f};
              Value weights = g.constant(Tensor.ofFloats(parts, 2, 2));
              Weight table = s.weight("table", DType.BF16, 9, 21);
              g.output("y", g.weightedGather(table, ids, weights));
              g.output("part", g.weightedGather(table.rows(3, 8), ids, weights));
            }));
    return cases;
  }

  static List<ConformanceCase> scatter() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (ScatterMode mode : ScatterMode.values()) {
      for (long[] shape : new long[][] {{9}, {9, 1}, {9, 17}, {9, 3, 5}, {130, 64}}) {
        for (int count : new int[] {1, 4, 9}) {
          cases.add(
              new ConformanceCase(
                  "scatter %s %d rows into %s".formatted(mode, count, Arrays.toString(shape)),
                  s -> {
                    GraphBuilder g = s.g();
                    long[] rows = shape.clone();
                    rows[0] = count;
                    Value x = s.input("x", shape);
                    Value ids = s.distinctIds("ids", (int) shape[0], count);
                    Value y = s.input("y", rows);
                    g.output("into input", g.scatter(x, ids, y, mode));
                    Value doubled = x.plus(x);
                    g.output("into computed", g.scatter(doubled, ids, y, mode));
                    g.output("x afterwards", x.plus(doubled));
                  }));
        }
      }
    }
    return cases;
  }
}
