package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;

/** Root-mean-square and layer norms. */
final class NormCases {

  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);
  private static final int[] SIZES = {1, 2, 3, 7, 8, 15, 16, 17, 31, 64, 129, 1000, 1024};
  private static final float EPS = 1e-6f;

  private NormCases() {}

  static List<ConformanceCase> rms() {
    return cases(
        "rmsNorm", (s, x, size, type, eps) -> s.g().rmsNorm(x, s.weight("w", type, size), eps));
  }

  static List<ConformanceCase> layer() {
    return cases(
        "layerNorm",
        (s, x, size, type, eps) -> {
          Weight weight = s.weight("w", type, size);
          return s.g().layerNorm(x, weight, s.weight("b", type, size), eps);
        });
  }

  /** Adds one of the norms to a graph. */
  private interface Norm {
    Value apply(ScenarioBuilder s, Value x, int size, DType type, float eps);
  }

  private static List<ConformanceCase> cases(String op, Norm norm) {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int rows : new int[] {1, 3, 17, 130}) {
      for (int size : SIZES) {
        cases.add(random(op, norm, DType.F32, rows, size));
      }
    }
    for (DType type : TYPES) {
      for (int size : new int[] {1, 19, 64, 257}) {
        cases.add(random(op, norm, type, 5, size));
      }
    }
    cases.add(
        new ConformanceCase(
            op + " [7, 3, 40], of each head",
            s -> s.g().output("y", norm.apply(s, s.input("x", 7, 3, 40), 40, DType.BF16, EPS))));
    cases.add(
        new ConformanceCase(
            op + " [23], of rank 1",
            s -> s.g().output("y", norm.apply(s, s.input("x", 23), 23, DType.F32, EPS))));
    cases.add(
        new ConformanceCase(
            op + " with one of the weight's ranges",
            s -> {
              GraphBuilder g = s.g();
              Weight both = s.weight("both", DType.BF16, 2 * 12);
              Value x = s.input("x", 4, 12);
              g.output("first", g.rmsNorm(x, both.rows(0, 12), EPS));
              g.output("second", g.layerNorm(x, both.rows(12, 24), both.rows(0, 12), EPS));
            }));
    cases.add(
        new ConformanceCase(
            op + " eps 0.5",
            s -> s.g().output("y", norm.apply(s, s.input("x", 3, 29), 29, DType.F32, 0.5f))));
    extreme(cases, op, norm, "zeros", 1e-6f, () -> constant(0));
    extreme(cases, op, norm, "negative zeros", 1e-6f, () -> constant(-0f));
    extreme(cases, op, norm, "a constant", 1e-6f, () -> constant(3.25f));
    extreme(cases, op, norm, "a large constant", 1e-5f, () -> constant(4096f));
    extreme(cases, op, norm, "tiny numbers", 1e-12f, () -> scaled(1e-20f));
    extreme(cases, op, norm, "large numbers", 1e-5f, () -> scaled(1e15f));
    extreme(cases, op, norm, "small deviations from a large mean", 1e-5f, NormCases::offset);
    extreme(cases, op, norm, "one large element", 1e-6f, NormCases::outlier);
    return cases;
  }

  private static ConformanceCase random(String op, Norm norm, DType type, int rows, int size) {
    return new ConformanceCase(
        "%s [%d, %d] %s".formatted(op, rows, size, type),
        s -> s.g().output("y", norm.apply(s, s.input("x", rows, size), size, type, EPS)));
  }

  private static void extreme(
      List<ConformanceCase> cases,
      String op,
      Norm norm,
      String what,
      float eps,
      Supplier<float[]> row) {
    cases.add(
        new ConformanceCase(
            op + " of " + what,
            s -> {
              int size = row.get().length;
              Value x =
                  s.floats(
                      "x",
                      () -> {
                        float[] ordinary = s.normal(3 * size, 0, 1);
                        System.arraycopy(row.get(), 0, ordinary, size, size);
                        return ordinary;
                      },
                      3,
                      size);
              s.g().output("y", norm.apply(s, x, size, DType.F32, eps));
            }));
  }

  private static float[] constant(float value) {
    float[] row = new float[48];
    Arrays.fill(row, value);
    return row;
  }

  private static float[] scaled(float factor) {
    float[] row = new float[77];
    for (int i = 0; i < row.length; i++) {
      row[i] = factor * (float) Math.sin(i);
    }
    return row;
  }

  private static float[] offset() {
    float[] row = new float[131];
    for (int i = 0; i < row.length; i++) {
      row[i] = 1000 + (float) Math.sin(i);
    }
    return row;
  }

  private static float[] outlier() {
    float[] row = new float[130];
    Arrays.fill(row, 0.01f);
    row[129] = 5000;
    return row;
  }
}
