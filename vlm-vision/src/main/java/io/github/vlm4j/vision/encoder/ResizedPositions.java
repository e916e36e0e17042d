package io.github.vlm4j.vision.encoder;

import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;

/**
 * Learned positions of a square grid resized to another grid, as PyTorch's {@code
 * interpolate(mode="bilinear", align_corners=False, antialias=True)} does it: each new position is
 * a weighted sum of old ones under a triangle that is as wide as the reduction.
 *
 * @param sources for each position along an axis of the new grid, indexes along the old one
 * @param weights of those; what a position has fewer of is filled up with zeros
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record ResizedPositions(int[][] sources, float[][] weights) {

  /** Resizes one axis. */
  static ResizedPositions axis(int from, int to) {
    double scale = (double) from / to;
    double support = Math.max(1, scale);
    int[][] sources = new int[to][];
    float[][] weights = new float[to][];
    for (int i = 0; i < to; i++) {
      double centre = scale * (i + 0.5);
      int first = Math.max(0, (int) (centre - support + 0.5));
      int last = Math.min(from, (int) (centre + support + 0.5));
      sources[i] = new int[last - first];
      weights[i] = new float[last - first];
      double sum = 0;
      double[] exact = new double[last - first];
      for (int j = 0; j < exact.length; j++) {
        exact[j] = Math.max(0, 1 - Math.abs((first + j - centre + 0.5) / support));
        sum += exact[j];
      }
      for (int j = 0; j < exact.length; j++) {
        sources[i][j] = first + j;
        weights[i][j] = (float) (exact[j] / sum);
      }
    }
    return new ResizedPositions(sources, weights);
  }

  private int taps() {
    int taps = 0;
    for (int[] source : sources) {
      taps = Math.max(taps, source.length);
    }
    return taps;
  }

  /**
   * Returns the positions of a grid, {@code [height · width, hidden]}.
   *
   * @param table {@code [side · side, hidden]}
   * @param side of the grid that was learned
   */
  static Value of(GraphBuilder g, Weight table, int side, PatchGrid grid) {
    if (grid.height() == side && grid.width() == side) {
      return g.parameter(table);
    }
    ResizedPositions rows = axis(side, grid.height());
    ResizedPositions columns = axis(side, grid.width());
    int taps = rows.taps() * columns.taps();
    int positions = grid.height() * grid.width();
    int[] ids = new int[positions * taps];
    float[] weights = new float[positions * taps];
    for (int y = 0; y < grid.height(); y++) {
      for (int x = 0; x < grid.width(); x++) {
        int at = (y * grid.width() + x) * taps;
        for (int i = 0; i < rows.sources[y].length; i++) {
          for (int j = 0; j < columns.sources[x].length; j++) {
            ids[at] = rows.sources[y][i] * side + columns.sources[x][j];
            weights[at++] = rows.weights[y][i] * columns.weights[x][j];
          }
        }
      }
    }
    return g.weightedGather(
        table,
        g.constant(Tensor.ofInts(ids, positions, taps)),
        g.constant(Tensor.ofFloats(weights, positions, taps)));
  }
}
