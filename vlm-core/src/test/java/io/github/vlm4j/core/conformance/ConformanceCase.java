package io.github.vlm4j.core.conformance;

import java.util.function.Consumer;

/**
 * A named test of a backend.
 *
 * @param name the operation and its shapes; also the seed of the test's random numbers
 * @param description describes the test's graphs, weights and inputs
 */
record ConformanceCase(String name, Consumer<ScenarioBuilder> description) {

  /** Returns the graphs, weights and inputs: the same every time. */
  Scenario scenario() {
    ScenarioBuilder builder = new ScenarioBuilder(name.hashCode());
    description.accept(builder);
    return builder.build();
  }
}
