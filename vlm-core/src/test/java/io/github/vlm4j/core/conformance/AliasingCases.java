package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Graphs that come out wrong if memory is reused too early, if something is done in place that
 * another operation still reads, or if a view is taken for a copy.
 */
final class AliasingCases {

  private static final int RANDOM_GRAPHS = 60;
  private static final int RANDOM_OPERATIONS = 30;
  private static final int WIDTH = 8;

  private AliasingCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    add(cases, "one value read by many", AliasingCases::readByMany);
    add(cases, "a view that outlives what it is a view of", AliasingCases::outlivingView);
    add(cases, "views of views", AliasingCases::viewsOfViews);
    add(cases, "operand repeated from a view of the other operand", AliasingCases::ownRow);
    add(cases, "scatter of an operand's own rows", AliasingCases::scatterOwnRows);
    add(cases, "scatter into what is read again", AliasingCases::scatterKeepsOperand);
    add(cases, "concat of views in another order", AliasingCases::rotated);
    add(cases, "outputs that are operands", AliasingCases::outputsAsOperands);
    add(cases, "outputs that are inputs, parameters, constants or views", AliasingCases::leaves);
    add(cases, "one value under two names", AliasingCases::twoNames);
    add(cases, "a long chain of residuals", AliasingCases::residuals);
    add(cases, "values of growing and shrinking size", AliasingCases::sizes);
    add(cases, "attention of views of one matrix", AliasingCases::fusedProjection);
    add(cases, "rope of one value twice", AliasingCases::ropeTwice);
    add(cases, "values without elements", AliasingCases::empty);
    for (int seed = 0; seed < RANDOM_GRAPHS; seed++) {
      add(cases, "random graph " + seed, AliasingCases::random);
    }
    return cases;
  }

  private static void add(
      List<ConformanceCase> cases, String name, Consumer<ScenarioBuilder> description) {
    cases.add(
        new ConformanceCase(
            "buffers: " + name,
            s -> {
              s.compare(Scenario.Strictness.CHAIN);
              description.accept(s);
              s.run();
              s.run();
              s.run();
            }));
  }

  private static void readByMany(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = g.linear(s.input("x", 5, 12), s.weight("w", DType.F32, 12, 12), null);
    Value a = g.activate(Activation.SILU, x);
    Value b = g.activate(Activation.RELU, x);
    Value c = a.plus(x);
    Value d = b.times(c);
    Value e = g.rmsNorm(x, s.weight("n", DType.F32, 12), 1e-6f);
    Value f = d.plus(e).plus(x).plus(a);
    g.output("f", f.plus(x.times(x)));
    g.output("late", x.plus(b));
  }

  private static void outlivingView(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Weight w = s.weight("w", DType.F32, 12, 12);
    Value x = g.linear(s.input("x", 6, 12), w, null);
    Value view = x.rows(2, 4);
    Value other = s.input("other", 6, 12);
    // Each of these could take x's memory if it were thought free.
    for (int i = 0; i < 5; i++) {
      other = g.activate(Activation.GELU, g.linear(other, w, null));
    }
    g.output("other", other);
    g.output("view", view.reshape(24).plus(view.reshape(24)));
  }

  private static void viewsOfViews(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 8, 6);
    Value h = x.plus(x);
    Value view = h.reshape(16, 3).rows(3, 15).reshape(2, 6, 3).rows(1, 2).reshape(9, 2).rows(4, 9);
    g.output("view", view);
    g.output("used", view.times(view).plus(view));
    g.output("of input", x.reshape(4, 12).rows(1, 3).reshape(24).rows(5, 7));
  }

  private static void ownRow(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 6, 9);
    Value h = x.times(x);
    g.output("first row added", h.plus(h.rows(0, 1).reshape(9)));
    Value k = g.activate(Activation.SILU, x);
    g.output("last row multiplied", k.times(k.rows(5, 6).reshape(9)));
    Value m = g.activate(Activation.RELU, x.plus(x));
    g.output("middle row", m.plus(m.rows(2, 3).reshape(9)).times(m.rows(3, 4).reshape(9)));
  }

  private static void scatterOwnRows(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 7, 5);
    Value h = x.plus(x);
    for (ScatterMode mode : ScatterMode.values()) {
      Value ids = s.distinctIds("ids" + mode, 7, 4);
      g.output("rows " + mode, g.scatter(h, ids, h.rows(1, 5), mode));
      g.output("gathered " + mode, g.scatter(h, ids, g.gather(h, ids), mode));
    }
  }

  private static void scatterKeepsOperand(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value h = g.activate(Activation.GELU_TANH, s.input("x", 9, 4));
    Value y = s.input("y", 3, 4);
    Value ids = s.distinctIds("ids", 9, 3);
    Value replaced = g.scatter(h, ids, y, ScatterMode.REPLACE);
    Value added = g.scatter(h, ids, y, ScatterMode.ADD);
    g.output("replaced", replaced);
    g.output("added", added);
    g.output("all", h.plus(replaced).plus(added));
    g.output("twice", g.scatter(added, ids, y, ScatterMode.ADD));
  }

  private static void rotated(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value h = s.input("x", 8, 3).plus(s.input("y", 3));
    Value once = g.concat(h.rows(5, 8), h.rows(0, 5));
    Value twice = g.concat(once.rows(1, 8), once.rows(0, 1));
    g.output("twice", twice);
    g.output("sum", twice.plus(h));
  }

  private static void outputsAsOperands(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Weight w = s.weight("w", DType.F32, 10, 10);
    Value h = s.input("x", 3, 10);
    for (int layer = 0; layer < 6; layer++) {
      h = h.plus(g.activate(Activation.SILU, g.linear(h, w, null)));
      g.output("layer " + layer, h);
    }
    g.output("last row", h.rows(2, 3));
  }

  private static void leaves(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 6, 4);
    g.output("input", x);
    g.output("input's rows", x.rows(1, 3));
    g.output("input reshaped", x.reshape(2, 12));
    Value p = g.parameter(s.weight("p", DType.F32, 5, 3));
    g.output("parameter", p);
    g.output("parameter's rows", p.rows(4, 5));
    Value c = g.constant(Tensor.ofFloats(s.normal(8, 0, 1), 2, 4));
    g.output("constant", c);
    g.output("constant reshaped", c.reshape(8));
    g.output("sum", x.plus(c.rows(1, 2).reshape(4)));
  }

  private static void twoNames(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value h = g.activate(Activation.RELU, s.input("x", 4, 5));
    g.output("a", h);
    g.output("b", h);
    g.output("c", h.reshape(20));
    g.output("d", h.plus(h));
  }

  private static void residuals(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value first = s.input("x", 7, 16);
    Value h = first;
    for (int layer = 0; layer < 12; layer++) {
      Value normed = g.rmsNorm(h, s.weight("n" + layer, DType.BF16, 16), 1e-5f);
      Value up = g.linear(normed, s.weight("u" + layer, DType.BF16, 24, 16), null);
      Value gate = g.linear(normed, s.weight("g" + layer, DType.F16, 24, 16), null);
      Value down = s.input("skip" + layer, 7, 16);
      h =
          h.plus(
                  g.linear(
                      g.gate(Activation.SILU, gate, up),
                      s.weight("d" + layer, DType.F32, 16, 24),
                      null))
              .plus(down);
    }
    g.output("y", h.plus(first));
  }

  private static void sizes(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value h = s.input("x", 3, 8);
    Value keep = g.activate(Activation.SILU, h);
    int from = 8;
    for (int to : new int[] {40, 3, 100, 1, 17, 64, 8}) {
      h = g.linear(h, s.weight("w" + to, DType.F32, to, from), s.weight("b" + to, DType.F32, to));
      h = g.activate(Activation.GELU, h);
      from = to;
    }
    g.output("y", h.plus(keep));
  }

  private static void fusedProjection(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 30, 12);
    Value h = g.linear(x, s.weight("w", DType.F32, 12, 12), null);
    Value q = h.rows(0, 10).reshape(10, 2, 6);
    Value k = h.rows(10, 20).reshape(10, 2, 6);
    Value v = h.rows(20, 30).reshape(10, 2, 6);
    Value y = g.attention(q, k, v, 0.4f, true);
    g.output("y", y.reshape(10, 12).plus(h.rows(0, 10)));
  }

  private static void ropeTwice(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 5, 2, 8);
    Value h = x.plus(x);
    Value cos = s.input("cos", 5, 4);
    Value sin = s.input("sin", 5, 4);
    Value once = g.rope(h, cos, sin, RopePairing.HALVES);
    Value twice = g.rope(once, cos, sin, RopePairing.INTERLEAVED);
    g.output("sum", twice.plus(once).plus(h));
  }

  private static void empty(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    Value x = s.input("x", 4, 6);
    Value none = x.rows(2, 2);
    Value noIds = s.ids("ids", 1, 0);
    Weight w = s.weight("w", DType.BF16, 5, 6);
    g.output("none", none);
    g.output("linear", g.linear(none, w, null));
    g.output("sum", none.plus(none));
    g.output("concat", g.concat(none, x, none));
    g.output("gather", g.gather(x, noIds));
    g.output("scatter", g.scatter(x, noIds, g.gather(x, noIds), ScatterMode.ADD));
    g.output("norm", g.rmsNorm(none, s.weight("n", DType.F32, 6), 1e-6f));
  }

  /** Builds a graph of any operations over matrices of one width, with some values as outputs. */
  private static void random(ScenarioBuilder s) {
    GraphBuilder g = s.g();
    SplittableRandom random = s.random();
    List<Value> pool = new ArrayList<>();
    pool.add(s.input("a", 4, WIDTH));
    pool.add(s.input("b", 7, WIDTH));
    pool.add(g.parameter(s.weight("p", DType.F32, 5, WIDTH)));
    Weight square = s.weight("w", DType.BF16, WIDTH, WIDTH);
    Weight norm = s.weight("n", DType.F32, WIDTH);
    for (int i = 0; i < RANDOM_OPERATIONS; i++) {
      Value x = any(pool, random);
      long rows = x.shape().dim(0);
      Value next =
          switch (random.nextInt(12)) {
            case 0 -> g.linear(x, square, null);
            case 1 -> g.rmsNorm(x, norm, 0.1f);
            case 2 -> g.activate(Activation.values()[random.nextInt(5)], x);
            case 3 -> x.plus(sameRows(pool, x, random));
            case 4 -> g.rmsNorm(x.times(sameRows(pool, x, random)), norm, 0.1f);
            case 5 -> x.plus(any(pool, random).rows(0, 1).reshape(WIDTH));
            case 6 -> x.rows(random.nextLong(rows), rows);
            case 7 -> x.rows(0, 1 + random.nextLong(rows));
            case 8 -> limited(g.concat(x, any(pool, random)));
            case 9 ->
                g.scatter(
                    x,
                    s.distinctIds("ids" + i, (int) rows, 1),
                    any(pool, random).rows(0, 1),
                    ScatterMode.values()[random.nextInt(2)]);
            case 10 -> g.gather(x, s.ids("ids" + i, (int) rows, 1 + random.nextInt(6)));
            default -> {
              Value heads = x.reshape(rows, 2, WIDTH / 2);
              yield g.attention(heads, heads, heads, 0.5f, true).reshape(rows, WIDTH);
            }
          };
      pool.add(next);
      if (random.nextInt(6) == 0) {
        g.output("value " + i, next);
      }
    }
    g.output("last", pool.get(pool.size() - 1));
  }

  private static Value any(List<Value> pool, SplittableRandom random) {
    // Mostly what was computed lately, so that chains form.
    int last = Math.min(pool.size(), 6);
    return pool.get(
        random.nextInt(3) == 0
            ? random.nextInt(pool.size())
            : pool.size() - 1 - random.nextInt(last));
  }

  private static Value sameRows(List<Value> pool, Value x, SplittableRandom random) {
    List<Value> fitting = pool.stream().filter(v -> v.shape().equals(x.shape())).toList();
    return fitting.get(random.nextInt(fitting.size()));
  }

  private static Value limited(Value x) {
    return x.shape().dim(0) > 20 ? x.rows(3, 20) : x;
  }
}
