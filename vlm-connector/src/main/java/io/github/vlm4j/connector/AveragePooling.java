package io.github.vlm4j.connector;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;

/**
 * Takes the means of blocks of {@code side × side} neighbouring patches; what is left over at the
 * right and at the bottom is dropped. Reference: PyTorch, {@code AvgPool2d} with its stride equal
 * to its kernel, as Gemma 3 has it.
 *
 * @param side of a block, in patches
 */
public record AveragePooling(int side) implements TokenReduction {

  /** Checks that the side is positive. */
  public AveragePooling {
    if (side < 1) {
      throw new IllegalArgumentException("Blocks of side " + side);
    }
  }

  @Override
  public int tokens(PatchGrid grid) {
    if (grid.height() < side || grid.width() < side) {
      throw new ModelException(
          "A grid of %d×%d patches is smaller than the blocks of %d×%d whose means are taken."
              .formatted(grid.height(), grid.width(), side, side));
    }
    return grid.frames() * (grid.height() / side) * (grid.width() / side);
  }

  @Override
  public int rowSize(int hiddenSize) {
    return hiddenSize;
  }

  @Override
  public Value reduce(GraphBuilder g, Value features, PatchGrid grid) {
    int tokens = tokens(grid);
    long hidden = features.shape().last();
    Value picture = features.reshape(grid.frames(), grid.height(), grid.width(), hidden);
    return g.averagePool(picture, side, side).reshape(tokens, hidden);
  }
}
