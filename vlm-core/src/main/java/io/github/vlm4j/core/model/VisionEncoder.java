package io.github.vlm4j.core.model;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;

/** Turns pixels into a sequence of hidden states, by adding its layers to a graph. */
public interface VisionEncoder {

  /** Returns the length of a hidden state. */
  int hiddenSize();

  /** Returns the shape of the pixels that {@link #encode} takes for a grid. */
  Shape pixelShape(PatchGrid grid);

  /**
   * Adds the encoder to a graph.
   *
   * @param g where to add it
   * @param pixels f32 of {@link #pixelShape}, preprocessed
   * @param grid how the pixels are cut into patches
   */
  VisionFeatures encode(GraphBuilder g, Value pixels, PatchGrid grid);
}
