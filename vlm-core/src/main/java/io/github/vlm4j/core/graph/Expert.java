package io.github.vlm4j.core.graph;

import io.github.vlm4j.core.weights.Weight;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The weights of one expert of {@link GraphBuilder#experts}, a gated feed-forward network.
 *
 * @param gate {@code [inter, hidden]}
 * @param up {@code [inter, hidden]}
 * @param down {@code [hidden, inter]}
 */
public record Expert(Weight gate, Weight up, Weight down) {

  /**
   * Returns the experts whose weights are stacked in two tensors; nothing is copied.
   *
   * @param gateUp {@code [experts, 2·inter, hidden]}, the rows of gate before those of up
   * @param down {@code [experts, hidden, inter]}
   */
  public static List<Expert> unstack(Weight gateUp, Weight down) {
    long inter = down.shape().dim(2);
    return IntStream.range(0, Math.toIntExact(gateUp.shape().dim(0)))
        .mapToObj(e -> {
          Weight both = slice(gateUp, e);
          return new Expert(both.rows(0, inter), both.rows(inter, 2 * inter), slice(down, e));
        })
        .toList();
  }

  /** Returns the matrix of one index of a tensor's outermost dimension. */
  static Weight slice(Weight stacked, int index) {
    long count = stacked.shape().dim(0);
    long rows = stacked.shape().dim(1);
    return stacked
        .reshape(count * rows, stacked.shape().dim(2))
        .rows(index * rows, (index + 1) * rows);
  }
}
