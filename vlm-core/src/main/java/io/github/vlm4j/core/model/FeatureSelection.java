package io.github.vlm4j.core.model;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Tensor;
import java.util.List;

/**
 * Which of a vision encoder's hidden states a connector reads; families differ in it.
 *
 * @param layers indexes into the hidden states, negative from the end: −2 is the output of the last
 *     layer but one; the states of several are joined to longer rows, in the order given; empty for
 *     the last hidden state as the reference names it, which may have a final norm behind it
 * @param dropsPrefix whether class tokens and the like are left out
 */
public record FeatureSelection(List<Integer> layers, boolean dropsPrefix) {

  /** Keeps an immutable copy. */
  public FeatureSelection {
    layers = List.copyOf(layers);
  }

  /** Returns the selection of one layer's output. */
  public static FeatureSelection ofLayer(int layer, boolean dropsPrefix) {
    return new FeatureSelection(List.of(layer), dropsPrefix);
  }

  /** Returns the selection of the last hidden state. */
  public static FeatureSelection ofLastHiddenState(boolean dropsPrefix) {
    return new FeatureSelection(List.of(), dropsPrefix);
  }

  /** Returns the length of a selected row, of an encoder with hidden states of a length. */
  public int rowSize(int hiddenSize) {
    return Math.multiplyExact(hiddenSize, Math.max(1, layers.size()));
  }

  /**
   * Returns the selected rows.
   *
   * @param g where to add what it takes
   * @param features of one batch
   * @param pictures how many pictures are in it
   * @return {@code [rows, rowSize]}, or {@code [patches, rowSize]} without the prefix
   * @throws ModelException if there is no such layer
   */
  public Value select(GraphBuilder g, VisionFeatures features, int pictures) {
    Value selected = layers.isEmpty() ? features.lastHiddenState() : states(g, features);
    int prefix = features.prefixTokens();
    if (!dropsPrefix || prefix == 0) {
      return selected;
    }
    long rows = selected.shape().dim(0) / pictures;
    Value[] patches = new Value[pictures];
    for (int i = 0; i < pictures; i++) {
      patches[i] = selected.rows(i * rows + prefix, (i + 1) * rows);
    }
    return pictures == 1 ? patches[0] : g.concat(patches);
  }

  private Value states(GraphBuilder g, VisionFeatures features) {
    if (layers.size() == 1) {
      return state(features, layers.getFirst());
    }
    Value[] states = layers.stream().map(layer -> state(features, layer)).toArray(Value[]::new);
    long rows = states[0].shape().dim(0);
    // Row i of every state, then row i + 1 of every state: what is then joined lies together.
    int[] order = new int[Math.toIntExact(rows * states.length)];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) (i % states.length * rows) + i / states.length;
    }
    return g.gather(g.concat(states), g.constant(Tensor.ofInts(order, order.length)))
        .reshape(rows, -1);
  }

  private static Value state(VisionFeatures features, int layer) {
    List<Value> states = features.hiddenStates();
    int index = layer < 0 ? states.size() + layer : layer;
    if (index < 0 || index >= states.size()) {
      throw new ModelException(
          "There is no hidden state "
              + layer
              + ": the encoder has "
              + states.size()
              + ", the embeddings and the output of each layer.");
    }
    return states.get(index);
  }
}
