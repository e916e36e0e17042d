package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.weights.Weight;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The weights of one expert of {@link GraphBuilder#transposedExperts}, stored with one row for each
 * input, as Qwen3-VL-MoE is published.
 *
 * @param gateUp {@code [hidden, 2·inter]}, the columns of gate before those of up
 * @param down {@code [inter, hidden]}
 */
public record TransposedExpert(Weight gateUp, Weight down) {

  /**
   * Returns the experts whose weights are stacked in two tensors; nothing is copied.
   *
   * @param gateUp {@code [experts, hidden, 2·inter]}
   * @param down {@code [experts, inter, hidden]}
   */
  public static List<TransposedExpert> unstack(Weight gateUp, Weight down) {
    return IntStream.range(0, Math.toIntExact(gateUp.shape().dim(0)))
        .mapToObj(e -> new TransposedExpert(Expert.slice(gateUp, e), Expert.slice(down, e)))
        .toList();
  }
}
