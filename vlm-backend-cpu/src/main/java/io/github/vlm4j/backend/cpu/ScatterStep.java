package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.graph.ScatterMode;

/** Some rows of a value replaced by others, or others added to them. */
final class ScatterStep implements Step {

  private final Team team;
  private final ScatterMode mode;
  private final Span x;
  private final Ids ids;
  private final Span rows;
  private final Span y;
  private final int columns;

  ScatterStep(Team team, ScatterMode mode, Span x, Ids ids, Span rows, Span y) {
    this.team = team;
    this.mode = mode;
    this.x = x;
    this.ids = ids;
    this.rows = rows;
    this.y = y;
    this.columns = x.length() / Math.max(1, ids.rows());
  }

  @Override
  public void run() {
    ids.check();
    if (!x.equals(y)) {
      System.arraycopy(x.floats(), x.at(), y.floats(), y.at(), x.length());
    }
    for (int i = 0; i < ids.count(); i++) {
      int from = rows.at() + i * columns;
      int to = y.at() + ids.get(i) * columns;
      switch (mode) {
        case REPLACE -> System.arraycopy(rows.floats(), from, y.floats(), to, columns);
        case ADD ->
            team.elements().add(y.floats(), to, rows.floats(), from, y.floats(), to, columns);
      }
    }
  }
}
