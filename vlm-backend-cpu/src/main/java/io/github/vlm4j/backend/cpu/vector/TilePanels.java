package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.PanelLoops;
import java.util.Arrays;

/** Panels, a {@link Tile} at a time. */
final class TilePanels implements PanelLoops {

  @Override
  public void multiply(
      float[] w, int wAt, int step, int rows, float[] x, int xAt, int k, float[] c, int cAt) {
    Arrays.fill(c, cAt, cAt + rows * Tile.WIDTH, 0);
    add(w, wAt, step, rows, x, xAt, k, Tile.WIDTH, c, cAt);
  }

  @Override
  public void add(
      float[] w,
      int wAt,
      int step,
      int rows,
      float[] x,
      int xAt,
      int k,
      int width,
      float[] c,
      int cAt) {
    for (int i = 0; i < rows; i += Tile.HEIGHT) {
      int from = wAt + i * step;
      int to = cAt + i * width;
      if (width == Tile.WIDTH) {
        Tile.CHOSEN.addRows(w, from, step, x, xAt, k, c, to);
        continue;
      }
      for (int v = 0; v < width; v += Lanes.COUNT) {
        Tile.CHOSEN.addRowsNarrow(w, from, step, x, xAt + v, k, c, to + v, width);
      }
    }
  }

  @Override
  public void soften(int keys, float[] scores, int at, float[] results, int resultsAt, int depth) {
    RunningSoftmax.soften(keys, scores, at, results, resultsAt, depth);
  }

  @Override
  public void transpose(
      float[] x, int xAt, int xStep, int rows, int columns, float[] y, int yAt, int yStep) {
    VectorTranspose.transpose(x, xAt, xStep, rows, columns, y, yAt, yStep);
  }
}
