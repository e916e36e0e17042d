package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MemoryPlanTest {

  private static final int GRAPHS = 300;

  @Test
  void sharedMemoryChangesNoResultOfRandomGraphs() {
    try (RandomWeights weights = new RandomWeights(DType.F32);
        CpuBackend backend = new CpuBackend(new ScalarKernels(), 2)) {
      for (int seed = 0; seed < GRAPHS; seed++) {
        RandomGraph random = new RandomGraph(seed, weights, 5 + seed % 40);
        Graph shared = random.someOutputs();
        Graph separate = random.allOutputs();
        try (Executable tight = backend.compile(shared, weights);
            Executable loose = backend.compile(separate, weights)) {
          for (int run = 0; run < 2; run++) {
            fill(shared, tight, seed + run);
            fill(separate, loose, seed + run);
            tight.run();
            loose.run();
            for (String output : shared.outputs().keySet()) {
              assertThat(tight.output(output).toFloats())
                  .as("seed %d, run %d, output %s of\n%s", seed, run, output, shared.describe())
                  .containsExactly(loose.output(output).toFloats());
            }
          }
        }
      }
    }
  }

  @Test
  void noTwoValuesThatAreNeededAtTheSameTimeOverlapUnlessOneReplacesTheOther() {
    try (RandomWeights weights = new RandomWeights(DType.F32)) {
      for (int seed = 0; seed < GRAPHS; seed++) {
        checkPlaces(new RandomGraph(seed, weights, 5 + seed % 40).someOutputs());
      }
    }
  }

  private static void checkPlaces(Graph graph) {
    MemoryPlan plan = MemoryPlan.of(graph);
    List<Value> values = graph.values();
    for (int i = 0; i < values.size(); i++) {
      Value a = values.get(i);
      if (MemoryPlan.isLeaf(MemoryPlan.root(a))) {
        continue;
      }
      assertThat(plan.at(a) + a.shape().elements()).isLessThanOrEqualTo(plan.floats());
      for (int j = i + 1; j < values.size(); j++) {
        Value b = values.get(j);
        boolean computed = MemoryPlan.root(b).equals(b) && !MemoryPlan.isLeaf(b);
        if (computed && isReadAfter(graph, a, j)) {
          boolean apart =
              plan.at(a) + a.shape().elements() <= plan.at(b)
                  || plan.at(b) + b.shape().elements() <= plan.at(a);
          assertThat(apart).as("%s and %s", a, b).isTrue();
        }
      }
    }
  }

  /** Returns whether something reads a value, or a view of it, after step j. */
  private static boolean isReadAfter(Graph graph, Value value, int j) {
    Value root = MemoryPlan.root(value);
    return graph.values().stream()
            .skip(j + 1L)
            .flatMap(later -> later.operands().stream())
            .anyMatch(operand -> MemoryPlan.root(operand).equals(root))
        || graph.outputs().values().stream()
            .anyMatch(output -> MemoryPlan.root(output).equals(root));
  }

  @Test
  void aChainOfElementwiseOperationsTakesOnePlace() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, 10, 100);
    Value h = g.activate(Activation.RELU, x);
    for (int i = 0; i < 20; i++) {
      h = g.activate(Activation.SILU, h).plus(x);
    }
    g.output("y", h);

    assertThat(MemoryPlan.of(g.build()).floats()).isEqualTo(1000);
  }

  @Test
  void aDeepChainThatCannotBeDoneInPlaceTakesTwoPlaces() {
    try (RandomWeights weights = new RandomWeights(DType.F32)) {
      GraphBuilder g = new GraphBuilder();
      Value h = g.input("x", DType.F32, 10, 64);
      for (int i = 0; i < 20; i++) {
        h = g.linear(h, weights.require("w", Shape.of(64, 64)), null);
      }
      g.output("y", h);

      assertThat(MemoryPlan.of(g.build()).floats()).isEqualTo(2 * 640);
    }
  }

  @Test
  void whatAPartReadsIsKeptUntilTheWholeHasBeenComputed() {
    try (RandomWeights weights = new RandomWeights(DType.F32)) {
      GraphBuilder g = new GraphBuilder();
      Value x = g.activate(Activation.RELU, g.input("x", DType.F32, 10, 64));
      Value part = g.linear(x, weights.require("w", Shape.of(64, 64)), null);
      Value whole = x.plus(part);
      g.output("y", whole);
      Graph graph = g.build();

      // Each number of the sum is computed from a whole row of x.
      MemoryPlan plan = MemoryPlan.of(graph, Map.of(part, whole));

      assertThat(plan.at(whole)).isNotEqualTo(plan.at(x));
      assertThat(plan.floats()).isEqualTo(2 * 640);
    }
  }

  @Test
  void aNormThatIsPartOfARotationIsRotatedInPlace() {
    try (RandomWeights weights = new RandomWeights(DType.F32)) {
      GraphBuilder g = new GraphBuilder();
      Value x = g.activate(Activation.RELU, g.input("x", DType.F32, 10, 4, 16));
      Value norm = g.rmsNorm(x, weights.require("norm.weight", Shape.of(16)), 1e-6f);
      Value cos = g.input("cos", DType.F32, 10, 8);
      Value turned = g.rope(norm, cos, g.input("sin", DType.F32, 10, 8), RopePairing.HALVES);
      g.output("y", turned);

      MemoryPlan plan = MemoryPlan.of(g.build(), Map.of(norm, turned));

      assertThat(plan.at(turned)).isEqualTo(plan.at(x));
      assertThat(plan.floats()).isEqualTo(640);
    }
  }

  @Test
  void moreThanOneArrayCanHoldIsRefusedSayingHowMuchIsNeeded() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, 1, 100_000);
    Value column = x.reshape(100_000, 1, 1);
    g.output("weights", g.attentionWeights(column, column, 1, false, List.of(100_000)));
    Graph graph = g.build();

    try (RandomWeights weights = new RandomWeights(DType.F32);
        CpuBackend backend = new CpuBackend(new ScalarKernels(), 1)) {
      assertThatThrownBy(() -> backend.compile(graph, weights))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("40000000000 bytes");
    }
  }

  private static void fill(Graph graph, Executable executable, long seed) {
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Input(String name)) {
        SplittableRandom random = new SplittableRandom(name.hashCode() + seed);
        for (int i = 0; i < value.shape().elements(); i++) {
          executable.input(name).setFloat(i, (float) random.nextGaussian());
        }
      }
    }
  }
}
