package io.github.vlm4j.core.conformance;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.List;
import java.util.Map;

/**
 * Runs of one or several graphs that share weights and states, all outputs of each run to be
 * compared.
 *
 * @param weights the parameters of all graphs
 * @param steps the runs, in order
 * @param strictness how outputs are compared
 */
record Scenario(WeightSource weights, List<Step> steps, Strictness strictness) {

  /** Keeps an immutable copy. */
  Scenario {
    steps = List.copyOf(steps);
  }

  /** How outputs are compared with the exact ones. */
  enum Strictness {
    /** Each row of an operation's result by its own scale. */
    OPERATION,
    /** By the largest element, with the larger tolerance of many operations after each other. */
    CHAIN,
    /** Each element by its own size: nothing was summed. */
    ELEMENT
  }

  /**
   * One run.
   *
   * @param graph compiled once however often it is run
   * @param inputs by name
   */
  record Step(Graph graph, Map<String, Tensor> inputs) {}
}
