package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sums, products, activations and gates. */
final class ElementwiseCases {

  private static final long[][] SHAPES = {
    {1}, {3}, {7}, {8}, {15}, {16}, {17}, {31, 1}, {64}, {129}, {3, 5, 7}, {13, 1000}, {257, 129}
  };

  private static final long[][][] BROADCASTS = {
    {{5, 7}, {7}},
    {{1, 7}, {7}},
    {{129, 64}, {64}},
    {{3, 5, 7}, {7}},
    {{3, 5, 7}, {5, 7}},
    {{4, 1}, {1}},
    {{5, 7}, {}},
    {{2, 3, 4, 17}, {3, 4, 17}},
    {{300, 33}, {33}},
  };

  private static final float[] EXTREMES = {
    0f, -0f, 1e-40f, -1e-40f, 1e-30f, -1e-30f, 1e-4f, -1e-4f, 0.5f, -0.5f, 3f, -3f, 5f, -5f, 9f,
    -9f, 13f, -13f, 20f, -20f, 50f, -50f, 87f, -87f, 89f, -89f, 104f, -104f, 700f, -700f, 1e4f,
    -1e4f, 1e10f, -1e10f, 1e20f, -1e20f, 1e38f, -1e38f
  };

  private ElementwiseCases() {}

  static List<ConformanceCase> add() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] shape : SHAPES) {
      cases.add(
          new ConformanceCase(
              "add " + text(shape),
              s -> s.g().output("y", s.input("a", shape).plus(s.input("b", shape)))));
    }
    for (long[][] pair : BROADCASTS) {
      cases.add(
          new ConformanceCase(
              "add " + text(pair[0]) + " + " + text(pair[1]),
              s -> s.g().output("y", s.input("a", pair[0]).plus(s.input("b", pair[1])))));
    }
    for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
      cases.add(
          new ConformanceCase(
              "add parameter " + type,
              s -> {
                GraphBuilder g = s.g();
                Value x = s.input("x", 4, 9, 11);
                g.output("same", x.plus(g.parameter(s.weight("same", type, 4, 9, 11))));
                g.output("repeated", x.plus(g.parameter(s.weight("repeated", type, 11))));
                Value table = g.parameter(s.weight("table", type, 20, 11));
                g.output("rows", x.plus(table.rows(6, 15)));
                g.output("reshaped", x.plus(table.rows(2, 11).reshape(9, 11)));
              }));
    }
    cases.add(
        new ConformanceCase(
            "add input + itself",
            s -> {
              Value x = s.input("x", 5, 19);
              s.g().output("y", x.plus(x));
            }));
    cases.add(
        new ConformanceCase(
            "add parameter + input",
            s -> {
              Value p = s.g().parameter(s.weight("p", DType.F32, 6, 13));
              s.g().output("same", p.plus(s.input("same", 6, 13)));
              s.g().output("repeated", p.plus(s.input("repeated", 13)));
            }));
    return cases;
  }

  static List<ConformanceCase> multiply() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (long[] shape : SHAPES) {
      cases.add(
          new ConformanceCase(
              "multiply " + text(shape),
              s -> s.g().output("y", s.input("a", shape).times(s.input("b", shape)))));
    }
    for (long[][] pair : BROADCASTS) {
      cases.add(
          new ConformanceCase(
              "multiply " + text(pair[0]) + " · " + text(pair[1]),
              s -> s.g().output("y", s.input("a", pair[0]).times(s.input("b", pair[1])))));
    }
    for (DType type : List.of(DType.F32, DType.F16, DType.BF16)) {
      cases.add(
          new ConformanceCase(
              "multiply parameter " + type,
              s -> {
                GraphBuilder g = s.g();
                Value x = s.input("x", 4, 9, 11);
                g.output("same", x.times(g.parameter(s.weight("same", type, 4, 9, 11))));
                g.output("repeated", x.times(g.parameter(s.weight("repeated", type, 11))));
              }));
    }
    cases.add(
        new ConformanceCase(
            "multiply input · itself",
            s -> {
              Value x = s.input("x", 5, 19);
              s.g().output("y", x.times(x));
            }));
    return cases;
  }

  static List<ConformanceCase> activate() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      for (long[] shape : SHAPES) {
        cases.add(
            new ConformanceCase(
                "activate " + activation + " " + text(shape),
                s -> s.g().output("y", s.g().activate(activation, s.input("x", 3, shape)))));
      }
      cases.add(
          new ConformanceCase(
              "activate " + activation + " of extreme values, one a row",
              s -> {
                Value x = s.floats("x", EXTREMES::clone, EXTREMES.length, 1);
                s.g().output("y", s.g().activate(activation, x));
                s.run();
              }));
      cases.add(
          new ConformanceCase(
              "activate " + activation + " of extreme values, a row each",
              s -> {
                Value x = s.floats("x", () -> repeated(19), EXTREMES.length, 19);
                s.g().output("y", s.g().activate(activation, x));
                s.run();
              }));
      cases.add(
          new ConformanceCase(
              "activate " + activation + " from -12 to 12 in steps of 1/128",
              s -> {
                Value x = s.floats("x", ElementwiseCases::ramp, 3072, 1);
                s.g().output("y", s.g().activate(activation, x));
                s.run();
              }));
    }
    return cases;
  }

  static List<ConformanceCase> gate() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      for (long[] shape : SHAPES) {
        cases.add(
            new ConformanceCase(
                "gate " + activation + " " + text(shape),
                s ->
                    s.g()
                        .output(
                            "y",
                            s.g()
                                .gate(
                                    activation, s.input("gate", 3, shape), s.input("up", shape)))));
      }
      cases.add(
          new ConformanceCase(
              "gate " + activation + " of extreme values",
              s -> {
                Value gate = s.floats("gate", () -> repeated(5), EXTREMES.length, 5);
                Value up = s.input("up", 0.1, new long[] {EXTREMES.length, 5});
                s.g().output("y", s.g().gate(activation, gate, up));
                s.run();
              }));
      cases.add(
          new ConformanceCase(
              "gate " + activation + " of one value twice",
              s -> {
                Value x = s.input("x", 3, 21);
                s.g().output("y", s.g().gate(activation, x, x));
              }));
    }
    return cases;
  }

  private static float[] repeated(int times) {
    float[] values = new float[EXTREMES.length * times];
    for (int i = 0; i < values.length; i++) {
      values[i] = EXTREMES[i / times];
    }
    return values;
  }

  private static float[] ramp() {
    float[] values = new float[3072];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i - 1536) / 128f;
    }
    return values;
  }

  private static String text(long[] shape) {
    return Arrays.toString(shape);
  }
}
