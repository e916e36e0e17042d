package io.github.vlm4j.connector;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;

/**
 * Joins consecutive patches, whatever the grid: a row is {@code count} hidden states one after the
 * other.
 *
 * @param count how many patches become one row
 */
public record TokenConcatenation(int count) implements TokenReduction {

  /** Checks that the count is positive. */
  public TokenConcatenation {
    if (count < 1) {
      throw new IllegalArgumentException("Rows of " + count + " patches");
    }
  }

  @Override
  public int tokens(PatchGrid grid) {
    if (grid.height() * grid.width() % count != 0) {
      throw new ModelException(
          "The %d patches of a grid of %d×%d cannot be joined by %d."
              .formatted(grid.height() * grid.width(), grid.height(), grid.width(), count));
    }
    return grid.patches() / count;
  }

  @Override
  public int rowSize(int hiddenSize) {
    return Math.multiplyExact(hiddenSize, count);
  }

  @Override
  public Value reduce(GraphBuilder g, Value features, PatchGrid grid) {
    return features.reshape(tokens(grid), rowSize((int) features.shape().last()));
  }
}
