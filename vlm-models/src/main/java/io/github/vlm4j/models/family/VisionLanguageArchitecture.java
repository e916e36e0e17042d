package io.github.vlm4j.models.family;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.Decoder;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Shape;

/** The layers of a vision-language model, put together: encoder, connector, decoder. */
public interface VisionLanguageArchitecture {

  /** Returns the language model. */
  Decoder decoder();

  /** Returns how many sets of DeepStack features a picture has; 0 for most families. */
  int deepstackLevels();

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
