package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import java.util.Arrays;

/** Weighted sums of rows of a table. */
final class WeightedGatherStep implements Step, Workers.Task {

  private final Team team;
  private final Matrix table;
  private final Ids ids;
  private final Span weights;
  private final Span y;
  private final int idsPerRow;
  private final Bands bands;

  /**
   * Creates the step.
   *
   * @param rows the number of sums
   */
  WeightedGatherStep(Team team, Matrix table, Ids ids, Span weights, Span y, int rows) {
    this.team = team;
    this.table = table;
    this.ids = ids;
    this.weights = weights;
    this.y = y;
    this.idsPerRow = ids.count() / Math.max(1, rows);
    long perRow = Math.max(1, (long) table.columns() * idsPerRow);
    this.bands = Bands.of(rows, Bands.LEAST_CHEAP / perRow, 1, team.workers());
  }

  @Override
  public void run() {
    ids.check();
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    int n = table.columns();
    for (int row = bands.from(band); row < bands.to(band); row++) {
      int at = y.at() + row * n;
      Arrays.fill(y.floats(), at, at + n, 0f);
      for (int i = row * idsPerRow; i < (row + 1) * idsPerRow; i++) {
        float weight = weights.floats()[weights.at() + i];
        team.elements().addScaledRow(table, ids.get(i), weight, y.floats(), at);
      }
    }
  }
}
