package io.github.vlm4j.connector;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;

/**
 * Makes fewer rows of a vision encoder's patches before a connector reads them, so that a picture
 * takes fewer of the decoder's tokens. It has no parameters. Rows are the patches of a grid row by
 * row, without class tokens; those of several frames follow one another and are never mixed.
 */
public interface TokenReduction {

  /**
   * Returns how many rows are left of a grid's patches.
   *
   * @throws ModelException if the grid cannot be divided so
   */
  int tokens(PatchGrid grid);

  /** Returns the length of a row that is made of hidden states of a length. */
  int rowSize(int hiddenSize);

  /**
   * Adds the reduction to a graph.
   *
   * @param g where to add it
   * @param features {@code [patches, hidden]}
   * @param grid how the patches lie
   * @return {@code [tokens, rowSize]}
   * @throws ModelException if the grid cannot be divided so
   */
  Value reduce(GraphBuilder g, Value features, PatchGrid grid);
}
