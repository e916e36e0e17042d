package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.backend.cpu.kernel.PanelLoops;

/** Panels, a {@link Tile} at a time. */
final class TilePanels implements PanelLoops {

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
}
