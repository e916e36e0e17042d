package io.github.vlm4j.connector;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;

/**
 * Joins blocks of {@code side × side} neighbouring patches: a block's row is its patches' hidden
 * states one after the other, row by row. It is super-resolution's pixel shuffle (Shi et al., 2016)
 * the other way round. Reference: transformers, {@code models/idefics3/modeling_idefics3.py},
 * {@code Idefics3Connector.pixel_shuffle}.
 *
 * @param side of a block, in patches
 */
public record PixelShuffle(int side) implements TokenReduction {

  /** Checks that the side is positive. */
  public PixelShuffle {
    if (side < 1) {
      throw new IllegalArgumentException("Blocks of side " + side);
    }
  }

  @Override
  public int tokens(PatchGrid grid) {
    if (grid.height() % side != 0 || grid.width() % side != 0) {
      throw new ModelException(
          "Patches of a grid of %d×%d cannot be joined in blocks of %d×%d."
              .formatted(grid.height(), grid.width(), side, side));
    }
    return grid.patches() / (side * side);
  }

  @Override
  public int rowSize(int hiddenSize) {
    return Math.multiplyExact(hiddenSize, side * side);
  }

  @Override
  public Value reduce(GraphBuilder g, Value features, PatchGrid grid) {
    int tokens = tokens(grid);
    Value order = g.constant(Tensor.ofInts(blockByBlock(grid), grid.patches()));
    return g.gather(features, order).reshape(tokens, -1);
  }

  private int[] blockByBlock(PatchGrid grid) {
    int[] order = new int[grid.patches()];
    int at = 0;
    for (int top = 0; top < grid.frames() * grid.height(); top += side) {
      for (int left = 0; left < grid.width(); left += side) {
        for (int y = top; y < top + side; y++) {
          for (int x = left; x < left + side; x++) {
            order[at++] = y * grid.width() + x;
          }
        }
      }
    }
    return order;
  }
}
