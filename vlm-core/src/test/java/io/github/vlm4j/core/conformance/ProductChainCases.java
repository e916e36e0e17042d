package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/**
 * Products of many rows and what reads their results: operations by element that a backend may
 * compute together with them, and the cases in which it must not.
 */
final class ProductChainCases {

  private static final long ROWS = 203;
  private static final long INPUTS = 33;
  private static final long OUTPUTS = 71;

  private ProductChainCases() {}

  static List<ConformanceCase> all() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      cases.add(linear("its " + activation, (s, y) -> s.g().activate(activation, y)));
    }
    cases.add(linear("a sum with a value", (s, y) -> y.plus(other(s))));
    cases.add(linear("a value's sum with it", (s, y) -> other(s).plus(y)));
    cases.add(linear("a sum with itself", (s, y) -> y.plus(y)));
    cases.add(linear("a sum with a repeated row", (s, y) -> y.plus(s.input("row", OUTPUTS))));
    cases.add(
        linear(
            "the RELU of a sum, and a GELU of that",
            (s, y) -> {
              Value sum = s.g().activate(Activation.RELU, y.plus(other(s)));
              return s.g().activate(Activation.GELU, sum);
            }));
    cases.add(
        linear(
            "a RELU, while the result is still read",
            (s, y) -> s.g().activate(Activation.RELU, y).plus(y)));
    cases.add(
        linear(
            "a RELU, while the result is an output",
            (s, y) -> {
              s.g().output("before", y);
              return s.g().activate(Activation.RELU, y);
            }));
    cases.add(
        linear(
            "a RELU under another shape",
            (s, y) -> s.g().activate(Activation.RELU, y.reshape(OUTPUTS, ROWS))));
    cases.add(
        linear(
            "a RELU of some of the rows",
            (s, y) -> s.g().activate(Activation.RELU, y.rows(3, ROWS))));
    for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
      cases.add(bottleneck(type));
    }
    return cases;
  }

  private static Value other(ScenarioBuilder s) {
    return s.input("other", ROWS, OUTPUTS);
  }

  private static ConformanceCase linear(
      String next, BiFunction<ScenarioBuilder, Value, Value> chain) {
    return new ConformanceCase(
        "a product of many rows, then " + next,
        s -> {
          Value x = s.input("x", ROWS, INPUTS);
          Weight w = s.weight("w", DType.F32, OUTPUTS, INPUTS);
          Value y = s.g().linear(x, w, s.weight("b", DType.F32, OUTPUTS));
          s.g().output("y", chain.apply(s, y));
          s.run();
          s.run();
        });
  }

  /** The block of a residual network: three convolutions and a shortcut with one of its own. */
  private static ConformanceCase bottleneck(DType type) {
    return new ConformanceCase(
        "a bottleneck of convolutions " + type,
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 2, 14, 13, 20);
          Value first =
              g.activate(
                  Activation.RELU, g.convolve(x, s.weight("w1", type, 9, 1, 1, 20), null, 1, 0));
          Value second =
              g.activate(
                  Activation.RELU,
                  g.convolve(
                      first, s.weight("w2", type, 9, 3, 3, 9), s.weight("b2", type, 9), 1, 1));
          Value third =
              g.convolve(second, s.weight("w3", type, 36, 1, 1, 9), s.weight("b3", type, 36), 1, 0);
          Value shortcut = g.convolve(x, s.weight("w4", type, 36, 1, 1, 20), null, 1, 0);
          g.output("y", g.activate(Activation.RELU, third.plus(shortcut)));
          s.run();
        });
  }
}
