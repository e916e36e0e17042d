package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The choice of experts, and mixtures of experts with weights stored either way round. */
final class ExpertCases {

  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16);

  private ExpertCases() {}

  static List<ConformanceCase> route() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (int n : new int[] {1, 2, 7, 130}) {
      for (int[] choice : new int[][] {{1, 1}, {3, 1}, {3, 3}, {4, 2}, {17, 5}, {128, 8}}) {
        for (boolean normalised : new boolean[] {false, true}) {
          cases.add(route(n, choice[0], choice[1], normalised));
        }
      }
    }
    cases.add(ties());
    cases.add(extremes());
    return cases;
  }

  static List<ConformanceCase> experts() {
    List<ConformanceCase> cases = new ArrayList<>();
    for (boolean transposed : new boolean[] {false, true}) {
      for (DType type : TYPES) {
        for (int n : new int[] {1, 2, 5, 8, 9, 33}) {
          cases.add(chosen(n, 2, new Mixture(13, 7, 3, type, transposed)));
          cases.add(chosen(n, 2, new Mixture(64, 48, 8, type, transposed)));
        }
        cases.add(chosen(1, 1, new Mixture(1, 1, 1, type, transposed)));
        cases.add(chosen(4, 1, new Mixture(33, 70, 1, type, transposed)));
        cases.add(chosen(2, 4, new Mixture(40, 24, 16, type, transposed)));
        cases.add(chosen(1, 2, new Mixture(520, 390, 4, type, transposed)));
        cases.add(chosen(300, 2, new Mixture(130, 67, 5, type, transposed)));
        cases.add(oneForAll(3, type, transposed));
        cases.add(oneForAll(500, type, transposed));
        cases.add(neverChosen(1, type, transposed));
        cases.add(neverChosen(40, type, transposed));
        cases.add(placed(type, InMemoryWeights.Placement.ODD, transposed));
        cases.add(placed(type, InMemoryWeights.Placement.HEAP, transposed));
        cases.add(stacked(type, transposed));
      }
      for (DType type : LinearCases.QUANTISED) {
        int block = type.blockElements();
        for (int n : new int[] {1, 5, 9, 40, 300}) {
          cases.add(chosen(n, 2, new Mixture(2 * block, block, 3, type, transposed)));
        }
        cases.add(chosen(40, 2, new Mixture(3 * block, 2 * block, 5, type, transposed)));
      }
      cases.add(chosen(513, 1, new Mixture(96, 64, 4, DType.BF16, transposed)));
      cases.add(chosen(70, 3, new Mixture(600, 96, 12, DType.BF16, transposed)));
      cases.add(anyGates(1, transposed));
      cases.add(anyGates(50, transposed));
      for (Activation activation : Activation.values()) {
        cases.add(activated(activation, transposed));
      }
    }
    cases.add(mixedTypes());
    return cases;
  }

  private static ConformanceCase route(int n, int experts, int chosen, boolean normalised) {
    return new ConformanceCase(
        "route %d rows to %d of %d experts%s"
            .formatted(n, chosen, experts, normalised ? " normalised" : ""),
        s -> {
          GraphBuilder g = s.g();
          Value logits = s.input("logits", 3, new long[] {n, experts});
          g.output("gates", g.route(logits, chosen, normalised));
        });
  }

  /** Few different logits, so that the last place often goes to one of several. */
  private static ConformanceCase ties() {
    return new ConformanceCase(
        "route rows of equal logits",
        s -> {
          GraphBuilder g = s.g();
          Value logits =
              s.floats(
                  "logits",
                  () -> {
                    float[] values = new float[60 * 9];
                    for (int i = 0; i < values.length; i++) {
                      // Negative zero equals zero.
                      values[i] = s.random().nextBoolean() ? s.random().nextInt(-1, 2) : -0f;
                    }
                    return values;
                  },
                  60,
                  9);
          g.output("two", g.route(logits, 2, true));
          g.output("five", g.route(logits, 5, false));
        });
  }

  private static ConformanceCase extremes() {
    return new ConformanceCase(
        "route logits of every size",
        s -> {
          GraphBuilder g = s.g();
          float[] values = {
            1e30f, -1e30f, 0, 3, 90, 90, -90, -200, 500, 499, 0, -1e38f, 1e38f, 1e38f, 0, 1e-30f
          };
          Value logits = s.floats("logits", () -> values, 4, 4);
          g.output("one", g.route(logits, 1, false));
          g.output("three", g.route(logits, 3, true));
        });
  }

  /** Each row uses some experts, chosen by random logits. */
  private static ConformanceCase chosen(int n, int chosen, Mixture mixture) {
    return new ConformanceCase(
        mixture + ", %d rows to %d each".formatted(n, chosen),
        s -> {
          Value gates = s.g().route(s.input("logits", n, mixture.experts), chosen, true);
          s.g().output("y", mixture.of(s, gates));
        });
  }

  private static ConformanceCase oneForAll(int n, DType type, boolean transposed) {
    Mixture mixture = new Mixture(50, 70, 4, type, transposed);
    return new ConformanceCase(
        mixture + ", %d rows, all to the last".formatted(n),
        s -> {
          float[] gates = new float[n * 4];
          for (int row = 0; row < n; row++) {
            gates[row * 4 + 3] = 1;
          }
          s.g().output("y", mixture.of(s, s.floats("gates", () -> gates, n, 4)));
        });
  }

  private static ConformanceCase neverChosen(int n, DType type, boolean transposed) {
    Mixture mixture = new Mixture(21, 18, 3, type, transposed);
    return new ConformanceCase(
        mixture + ", %d rows, an expert of NaN that none uses".formatted(n),
        s -> {
          float[] gates = new float[n * 3];
          for (int i = 0; i < gates.length; i++) {
            gates[i] = i % 3 == 1 ? i % 2 * -0f : 0.25f + i % 7;
          }
          Value given = s.floats("gates", () -> gates, n, 3);
          s.g().output("y", mixture.of(s, given, Activation.SILU, 1));
        });
  }

  /** Gates that no router would give: negative ones, large ones, rows without any. */
  private static ConformanceCase anyGates(int n, boolean transposed) {
    Mixture mixture = new Mixture(24, 30, 6, DType.F32, transposed);
    return new ConformanceCase(
        mixture + ", %d rows of any gates".formatted(n),
        s -> {
          Value gates =
              s.floats(
                  "gates",
                  () -> {
                    float[] values = s.normal(n * 6, 0, 3);
                    for (int i = 0; i < values.length; i++) {
                      values[i] = i / 6 % 4 == 1 || s.random().nextInt(3) == 0 ? 0 : values[i];
                    }
                    return values;
                  },
                  n,
                  6);
          s.g().output("y", mixture.of(s, gates));
        });
  }

  private static ConformanceCase activated(Activation activation, boolean transposed) {
    Mixture mixture = new Mixture(20, 12, 3, DType.F32, transposed);
    return new ConformanceCase(
        mixture + ", gated by " + activation,
        s -> {
          Value gates = s.g().route(s.input("logits", 6, 3), 2, false);
          s.g().output("y", mixture.of(s, gates, activation, -1));
        });
  }

  private static ConformanceCase placed(
      DType type, InMemoryWeights.Placement placement, boolean transposed) {
    Mixture mixture = new Mixture(37, 20, 3, type, transposed);
    return new ConformanceCase(
        mixture + ", weights " + placement,
        s -> {
          s.place(placement);
          for (int n : new int[] {1, 26}) {
            s.nextGraph();
            s.g().output("y", mixture.of(s, s.g().route(s.input("logits", n, 3), 2, true)));
            s.run();
          }
        });
  }

  /** The experts are ranges of two tensors, as large mixtures are stored. */
  private static ConformanceCase stacked(DType type, boolean transposed) {
    return new ConformanceCase(
        "experts in stacked tensors %s%s".formatted(type, transposed ? " transposed" : ""),
        s -> {
          GraphBuilder g = s.g();
          Value x = s.input("x", 9, 26);
          Value gates = g.route(s.input("logits", 9, 5), 2, true);
          if (transposed) {
            Weight gateUp = s.weight("gateUp", type, 5, 26, 2 * 19);
            Weight down = s.weight("down", type, 5, 19, 26);
            List<TransposedExpert> experts = TransposedExpert.unstack(gateUp, down);
            g.output("y", g.transposedExperts(x, gates, experts, Activation.SILU));
          } else {
            Weight gateUp = s.weight("gateUp", type, 5, 2 * 19, 26);
            Weight down = s.weight("down", type, 5, 26, 19);
            List<Expert> experts = Expert.unstack(gateUp, down);
            g.output("y", g.experts(x, gates, experts, Activation.SILU));
          }
        });
  }

  private static ConformanceCase mixedTypes() {
    return new ConformanceCase(
        "experts of different types",
        s -> {
          GraphBuilder g = s.g();
          List<Expert> experts = new ArrayList<>();
          for (int e = 0; e < 3; e++) {
            experts.add(
                new Expert(
                    s.weight("gate" + e, TYPES.get(e), 11, 14),
                    s.weight("up" + e, TYPES.get((e + 1) % 3), 11, 14),
                    s.weight("down" + e, TYPES.get((e + 2) % 3), 14, 11)));
          }
          Value gates = g.route(s.input("logits", 5, 3), 3, true);
          g.output("y", g.experts(s.input("x", 5, 14), gates, experts, Activation.SILU));
        });
  }

  /**
   * Experts of random weights.
   *
   * @param transposed whether they are stored the other way round
   */
  private record Mixture(int hidden, int inter, int experts, DType type, boolean transposed) {

    Value of(ScenarioBuilder s, Value gates) {
      return of(s, gates, Activation.SILU, -1);
    }

    /**
     * Returns the mixture of a new input x.
     *
     * @param nobodys the expert whose weights are not numbers, or -1
     */
    Value of(ScenarioBuilder s, Value gates, Activation activation, int nobodys) {
      Value x = s.input("x", gates.shape().dim(0), hidden);
      IntStream all = IntStream.range(0, experts);
      if (transposed) {
        List<TransposedExpert> stored =
            all.mapToObj(e ->
                    new TransposedExpert(
                        weight(s, "gateUp" + e, e == nobodys, hidden, 2 * inter),
                        weight(s, "down" + e, e == nobodys, inter, hidden)))
                .toList();
        return s.g().transposedExperts(x, gates, stored, activation);
      }
      List<Expert> stored =
          all.mapToObj(e ->
                  new Expert(
                      weight(s, "gate" + e, e == nobodys, inter, hidden),
                      weight(s, "up" + e, e == nobodys, inter, hidden),
                      weight(s, "down" + e, e == nobodys, hidden, inter)))
              .toList();
      return s.g().experts(x, gates, stored, activation);
    }

    private Weight weight(ScenarioBuilder s, String name, boolean notNumbers, int... dims) {
      if (!notNumbers) {
        return s.weight(name, type, dims[0], dims[1]);
      }
      float[] values = new float[dims[0] * dims[1]];
      Arrays.fill(values, Float.NaN);
      return s.weight(name, type, values, dims[0], dims[1]);
    }

    @Override
    public String toString() {
      return "experts %d of [%d, %d] %s%s"
          .formatted(experts, hidden, inter, type, transposed ? " transposed" : "");
    }
  }
}
