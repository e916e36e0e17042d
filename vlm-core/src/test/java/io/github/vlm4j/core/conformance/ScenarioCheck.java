package io.github.vlm4j.core.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Runs scenarios on a backend and compares every output of every step with the oracle's. */
final class ScenarioCheck {

  private final Backend backend;
  private final Tolerance tolerance;

  ScenarioCheck(Backend backend, Tolerance tolerance) {
    this.backend = backend;
    this.tolerance = tolerance;
  }

  /** Fails if an output is further from the exact result than the tolerance permits. */
  void run(Scenario scenario) {
    Map<Graph, Executable> compiled = new IdentityHashMap<>();
    Map<String, Buffer> buffers = new LinkedHashMap<>();
    Map<String, double[]> states = new HashMap<>();
    try {
      int number = 0;
      for (Scenario.Step step : scenario.steps()) {
        Graph graph = step.graph();
        Executable executable = compiled.get(graph);
        if (executable == null) {
          executable = backend.compile(graph, scenario.weights());
          compiled.put(graph, executable);
          bindStates(graph, executable, buffers, states);
        }
        for (Map.Entry<String, Tensor> input : step.inputs().entrySet()) {
          if (declares(graph, input.getKey())) {
            executable.input(input.getKey()).copyFrom(input.getValue());
          }
        }
        executable.run();
        Map<Value, double[]> exact =
            new GraphOracle(graph, scenario.weights()).run(step.inputs(), states);
        number++;
        for (Map.Entry<String, Value> output : graph.outputs().entrySet()) {
          Tensor actual = executable.output(output.getKey());
          compare(
              "run " + number + ", output " + output.getKey(),
              output.getValue(),
              actual,
              exact,
              scenario.strictness());
        }
      }
    } finally {
      compiled.values().forEach(Executable::close);
      buffers.values().forEach(Buffer::close);
    }
  }

  private void bindStates(
      Graph graph,
      Executable executable,
      Map<String, Buffer> buffers,
      Map<String, double[]> states) {
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.State(String name)) {
        Buffer buffer =
            buffers.computeIfAbsent(name, _ -> backend.allocate(value.dtype(), value.shape()));
        states.computeIfAbsent(name, _ -> new double[Math.toIntExact(value.shape().elements())]);
        executable.bind(name, buffer);
      }
    }
  }

  private static boolean declares(Graph graph, String input) {
    return graph.values().stream()
        .anyMatch(value -> value.op() instanceof Op.Input(String name) && name.equals(input));
  }

  private void compare(
      String where,
      Value value,
      Tensor actual,
      Map<Value, double[]> computed,
      Scenario.Strictness strictness) {
    assertThat(actual.dtype()).as(where).isEqualTo(DType.F32);
    assertThat(actual.shape()).as(where).isEqualTo(value.shape());
    double[] exact = computed.get(value);
    double[] scale = scale(value, computed, strictness);
    Tolerance permitted = strictness == Scenario.Strictness.CHAIN ? tolerance.ofChain() : tolerance;
    int rows = Math.toIntExact(value.shape().rows());
    int size = rows == 0 ? 0 : exact.length / rows;
    int wrong = 0;
    String first = "";
    for (int i = 0; i < exact.length; i++) {
      float found = actual.getFloat(i);
      double bound =
          strictness == Scenario.Strictness.ELEMENT
              ? tolerance.relative() * Math.abs(exact[i]) + Float.MIN_NORMAL
              : permitted.at(scale[i / size]);
      // Written so that NaN is wrong too.
      if (!(Math.abs(found - exact[i]) <= bound)) {
        if (wrong == 0) {
          first =
              ("element %d (row %d, column %d) is %s instead of %s, "
                      + "off by %.3g where %.3g is allowed")
                  .formatted(
                      i, i / size, i % size, found, exact[i], Math.abs(found - exact[i]), bound);
        }
        wrong++;
      }
    }
    if (wrong > 0) {
      fail("%s, %s: %d of %d elements are wrong; %s", where, value, wrong, exact.length, first);
    }
  }

  private static double[] scale(
      Value value, Map<Value, double[]> computed, Scenario.Strictness strictness) {
    if (strictness == Scenario.Strictness.OPERATION) {
      return ErrorScale.ofRows(value, computed);
    }
    double[] scale = new double[Math.toIntExact(value.shape().rows())];
    Arrays.fill(scale, ErrorScale.largest(computed.get(value)));
    return scale;
  }
}
