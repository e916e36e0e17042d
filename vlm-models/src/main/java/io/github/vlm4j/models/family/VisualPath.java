package io.github.vlm4j.models.family;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Shape;

/** A picture's way from pixels to what a decoder reads: encoder and connector, put together. */
public interface VisualPath {

  /** Returns how many sets of DeepStack features a picture has; 0 for most families. */
  default int deepstackLevels() {
    return 0;
  }

  /** Returns how many embeddings a grid of patches becomes. */
  int visualTokens(PatchGrid grid);

  /** Returns the shape of the pixels that {@link #embedVisual} takes for a grid. */
  Shape pixelShape(PatchGrid grid);

  /** Returns the grid that a picture of about the given size is cut into, for benchmarks. */
  PatchGrid gridFor(int imageHeight, int imageWidth);

  /**
   * Adds encoder and connectors to a graph.
   *
   * @param g where to add them
   * @param pixels f32 of {@link #pixelShape}, preprocessed
   * @param grid how the pixels are cut into patches
   */
  VisualEmbeddings embedVisual(GraphBuilder g, Value pixels, PatchGrid grid);
}
