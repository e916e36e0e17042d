package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Describes a {@link Scenario}: graphs whose inputs and weights are random unless given. A scenario
 * whose steps are not listed runs its graph twice, with other inputs the second time.
 */
final class ScenarioBuilder {

  private final SplittableRandom random;
  private final List<Scenario.Step> steps = new ArrayList<>();
  private InMemoryWeights weights = new InMemoryWeights(InMemoryWeights.Placement.ALIGNED);
  private Scenario.Strictness strictness = Scenario.Strictness.OPERATION;
  private GraphBuilder graphBuilder = new GraphBuilder();
  private @Nullable Graph graph;
  private Map<String, Supplier<Tensor>> inputs = new LinkedHashMap<>();

  ScenarioBuilder(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Returns the builder of the current graph. */
  GraphBuilder g() {
    return graphBuilder;
  }

  /** Returns the source of the scenario's random numbers. */
  SplittableRandom random() {
    return random;
  }

  /** Places the weights that are added from now on. */
  void place(InMemoryWeights.Placement placement) {
    weights = new InMemoryWeights(placement);
  }

  void compare(Scenario.Strictness how) {
    strictness = how;
  }

  /** Returns a new f32 input of standard normal numbers. */
  Value input(String name, long... dims) {
    return input(name, 1, dims);
  }

  /** Returns a new f32 input of normal numbers of the given deviation. */
  Value input(String name, double deviation, long[] dims) {
    int elements = Math.toIntExact(Shape.of(dims).elements());
    return floats(name, () -> normal(elements, 0, deviation), dims);
  }

  /** Returns a new f32 input whose numbers are made anew for each run. */
  Value floats(String name, Supplier<float[]> values, long... dims) {
    inputs.put(name, () -> Tensor.ofFloats(values.get(), dims));
    return graphBuilder.input(name, DType.F32, dims);
  }

  /** Returns a new i32 input of random indices from 0 to below a bound. */
  Value ids(String name, int bound, long... dims) {
    int elements = Math.toIntExact(Shape.of(dims).elements());
    return ints(name, () -> random.ints(elements, 0, bound).toArray(), dims);
  }

  /** Returns a new i32 input of different random indices from 0 to below a bound. */
  Value distinctIds(String name, int bound, int count) {
    return ints(name, () -> permutation(bound, count), count);
  }

  /** Returns a new i32 input whose numbers are made anew for each run. */
  Value ints(String name, Supplier<int[]> values, long... dims) {
    inputs.put(name, () -> Tensor.ofInts(values.get(), dims));
    return graphBuilder.input(name, DType.I32, dims);
  }

  /**
   * Returns a new weight of normal numbers: a matrix's keep the size of what it is multiplied with,
   * a vector's are around one.
   */
  Weight weight(String name, DType dtype, long... dims) {
    Shape shape = Shape.of(dims);
    int elements = Math.toIntExact(shape.elements());
    float[] values =
        shape.rank() == 1
            ? normal(elements, 1, 0.3)
            : normal(elements, 0, 1 / Math.sqrt(Math.max(1, shape.last())));
    return weights.add(name, dtype, shape, values);
  }

  /** Returns a new weight of the given numbers. */
  Weight weight(String name, DType dtype, float[] values, long... dims) {
    return weights.add(name, dtype, Shape.of(dims), values);
  }

  /** Returns a new f16 or bf16 weight of the given bits. */
  Weight weightBits(String name, DType dtype, short[] patterns, long... dims) {
    return weights.addBits(name, dtype, Shape.of(dims), patterns);
  }

  float[] normal(int elements, double mean, double deviation) {
    float[] values = new float[elements];
    for (int i = 0; i < elements; i++) {
      values[i] = (float) (mean + deviation * random.nextGaussian());
    }
    return values;
  }

  /** Adds a run of the current graph with new input numbers. */
  void run() {
    run(Map.of());
  }

  /** Adds a run of the current graph in which some inputs are given. */
  void run(Map<String, Tensor> given) {
    if (graph == null) {
      graph = graphBuilder.build();
    }
    Map<String, Tensor> filled = new LinkedHashMap<>();
    inputs.forEach((name, supplier) -> {
      Tensor tensor = given.get(name);
      filled.put(name, tensor == null ? supplier.get() : tensor);
    });
    steps.add(new Scenario.Step(graph, filled));
  }

  /** Begins another graph over the same weights and states. */
  void nextGraph() {
    graphBuilder = new GraphBuilder();
    graph = null;
    inputs = new LinkedHashMap<>();
  }

  Scenario build() {
    if (steps.isEmpty()) {
      run();
      run();
    }
    return new Scenario(weights, steps, strictness);
  }

  private int[] permutation(int bound, int count) {
    int[] all = new int[bound];
    for (int i = 0; i < bound; i++) {
      int j = random.nextInt(i + 1);
      all[i] = all[j];
      all[j] = i;
    }
    int[] first = new int[count];
    System.arraycopy(all, 0, first, 0, count);
    return first;
  }
}
