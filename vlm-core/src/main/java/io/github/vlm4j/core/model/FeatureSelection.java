package io.github.vlm4j.core.model;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import java.util.List;
import java.util.OptionalInt;

/**
 * Which of a vision encoder's hidden states a connector reads; families differ in it.
 *
 * @param layer an index into the hidden states, negative from the end: −2 is the output of the last
 *     layer but one; empty for the last hidden state as the reference names it, which may have a
 *     final norm behind it
 * @param dropsPrefix whether class tokens and the like are left out
 */
public record FeatureSelection(OptionalInt layer, boolean dropsPrefix) {

  /** Returns the selection of one layer's output. */
  public static FeatureSelection ofLayer(int layer, boolean dropsPrefix) {
    return new FeatureSelection(OptionalInt.of(layer), dropsPrefix);
  }

  /** Returns the selection of the last hidden state. */
  public static FeatureSelection ofLastHiddenState(boolean dropsPrefix) {
    return new FeatureSelection(OptionalInt.empty(), dropsPrefix);
  }

  /**
   * Returns the selected rows.
   *
   * @param g where to add what it takes
   * @param features of one batch
   * @param pictures how many pictures are in it
   * @return {@code [rows, hidden]}, or {@code [patches, hidden]} without the prefix
   * @throws ModelException if there is no such layer
   */
  public Value select(GraphBuilder g, VisionFeatures features, int pictures) {
    Value selected = layer.isPresent() ? state(features) : features.lastHiddenState();
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

  private Value state(VisionFeatures features) {
    List<Value> states = features.hiddenStates();
    int index = layer.getAsInt() < 0 ? states.size() + layer.getAsInt() : layer.getAsInt();
    if (index < 0 || index >= states.size()) {
      throw new ModelException(
          "There is no hidden state "
              + layer.getAsInt()
              + ": the encoder has "
              + states.size()
              + ", the embeddings and the output of each layer.");
    }
    return states.get(index);
  }
}
