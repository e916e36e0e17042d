package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.backend.OpProfile;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import java.util.List;
import java.util.stream.Stream;

/**
 * A step and the operations it computes, for profiles.
 *
 * @param step what runs
 * @param results what it computes, in the order of the graph
 */
record Timed(Step step, List<Value> results) {

  /** Returns another step that does what this one and the next do. */
  Timed with(Timed next, Step both) {
    return new Timed(both, Stream.concat(results.stream(), next.results.stream()).toList());
  }

  /** Runs the step; of the time, each operation gets a share by the numbers it reads or writes. */
  void run(OpProfile profile) {
    long start = System.nanoTime();
    step.run();
    long nanos = System.nanoTime() - start;
    double all = results.stream().mapToDouble(Timed::numbers).sum();
    for (Value result : results) {
      profile.computed(result, Math.round(nanos * numbers(result) / all));
    }
  }

  private static double numbers(Value result) {
    Value largest = result.op() instanceof Op.Linear ? result.operands().get(1) : result;
    return 1 + largest.shape().elements();
  }
}
