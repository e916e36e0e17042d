package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import java.util.stream.IntStream;

/**
 * Where each patch of a grid lies, in merge-block order: the patches that become one embedding
 * stand together, blocks row by row. Everything that depends on a patch's place is made here, so
 * that it cannot fall out of step with the patches.
 */
final class PatchOrder {

  private static final int CORNERS = 4;

  private final PatchGrid grid;
  private final int[] rows;
  private final int[] columns;

  private PatchOrder(PatchGrid grid, int[] rows, int[] columns) {
    this.grid = grid;
    this.rows = rows;
    this.columns = columns;
  }

  /**
   * Returns the order of a grid's patches.
   *
   * @param mergeSize the side of a block in patches; it divides the grid's height and width
   */
  static PatchOrder of(PatchGrid grid, int mergeSize) {
    if (grid.height() % mergeSize != 0 || grid.width() % mergeSize != 0) {
      throw new IllegalArgumentException(
          "A grid of "
              + grid.height()
              + "×"
              + grid.width()
              + " patches is not made of blocks of "
              + mergeSize
              + "×"
              + mergeSize);
    }
    int[] rows = new int[grid.patches()];
    int[] columns = new int[grid.patches()];
    int patch = 0;
    for (int frame = 0; frame < grid.frames(); frame++) {
      for (int blockRow = 0; blockRow < grid.height(); blockRow += mergeSize) {
        for (int blockColumn = 0; blockColumn < grid.width(); blockColumn += mergeSize) {
          for (int inner = 0; inner < mergeSize * mergeSize; inner++) {
            rows[patch] = blockRow + inner / mergeSize;
            columns[patch++] = blockColumn + inner % mergeSize;
          }
        }
      }
    }
    return new PatchOrder(grid, rows, columns);
  }

  /** Returns the same patches in another order. */
  PatchOrder rearranged(int[] patches) {
    return new PatchOrder(
        grid,
        IntStream.of(patches).map(patch -> rows[patch]).toArray(),
        IntStream.of(patches).map(patch -> columns[patch]).toArray());
  }

  /**
   * Returns a square table of learned positions interpolated bilinearly to the grid, corners
   * aligned with corners: {@code [patches, hidden]}.
   */
  Value interpolated(GraphBuilder g, Weight table, int side) {
    int patches = grid.patches();
    int[] ids = new int[patches * CORNERS];
    float[] weights = new float[patches * CORNERS];
    for (int i = 0; i < patches; i++) {
      float y = aligned(rows[i], grid.height(), side);
      float x = aligned(columns[i], grid.width(), side);
      int top = (int) y;
      int left = (int) x;
      int bottom = Math.min(top + 1, side - 1);
      int right = Math.min(left + 1, side - 1);
      float down = y - top;
      float across = x - left;
      int at = i * CORNERS;
      ids[at] = top * side + left;
      ids[at + 1] = top * side + right;
      ids[at + 2] = bottom * side + left;
      ids[at + 3] = bottom * side + right;
      weights[at] = (1 - down) * (1 - across);
      weights[at + 1] = (1 - down) * across;
      weights[at + 2] = down * (1 - across);
      weights[at + 3] = down * across;
    }
    return g.weightedGather(
        table,
        g.constant(Tensor.ofInts(ids, patches, CORNERS)),
        g.constant(Tensor.ofFloats(weights, patches, CORNERS)));
  }

  private static float aligned(int index, int extent, int side) {
    return index * (float) (side - 1) / Math.max(extent - 1, 1);
  }

  /**
   * Returns the two-dimensional rotary tables: the first half of the angles turns with the row, the
   * second with the column.
   */
  QwenVisionBlock.Rotary rotary(GraphBuilder g, int headDim, double theta) {
    int half = headDim / 2;
    int quarter = half / 2;
    float[] frequencies = new float[quarter];
    for (int j = 0; j < quarter; j++) {
      frequencies[j] = (float) (1 / Math.pow(theta, 2.0 * j / half));
    }
    int patches = grid.patches();
    float[] cos = new float[patches * half];
    float[] sin = new float[patches * half];
    for (int i = 0; i < patches; i++) {
      for (int j = 0; j < half; j++) {
        float angle =
            j < quarter ? rows[i] * frequencies[j] : columns[i] * frequencies[j - quarter];
        cos[i * half + j] = (float) Math.cos(angle);
        sin[i * half + j] = (float) Math.sin(angle);
      }
    }
    return new QwenVisionBlock.Rotary(
        g.constant(Tensor.ofFloats(cos, patches, half)),
        g.constant(Tensor.ofFloats(sin, patches, half)));
  }
}
