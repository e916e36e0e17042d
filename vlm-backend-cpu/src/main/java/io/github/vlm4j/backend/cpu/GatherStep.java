package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.ElementLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.quant.BlockCodec;

/** Rows of a table by index. */
final class GatherStep implements Step, Workers.Task {

  /** A table, whatever it is stored as. */
  @FunctionalInterface
  private interface Table {
    void copyRow(int row, float[] y, int yAt);
  }

  private final Workers workers;
  private final Table table;
  private final Ids ids;
  private final Span y;
  private final int columns;
  private final Bands bands;

  private GatherStep(Workers workers, Table table, Ids ids, Span y) {
    this.workers = workers;
    this.table = table;
    this.ids = ids;
    this.y = y;
    this.columns = y.length() / Math.max(1, ids.count());
    this.bands = Bands.of(ids.count(), Bands.LEAST_CHEAP / Math.max(1, columns), 1, workers);
  }

  /** Returns the rows of a parameter, decoded. */
  static GatherStep ofParameter(Team team, Matrix table, Ids ids, Span y) {
    ElementLoops elements = team.elements();
    Table rows = (row, to, at) -> elements.decodeRow(table, row, to, at);
    return new GatherStep(
        team.workers(), table.dtype().isQuantised() ? blocks(table) : rows, ids, y);
  }

  /** In plain loops: a prompt has few rows, and these are quick before they are compiled. */
  private static Table blocks(Matrix table) {
    BlockCodec codec = BlockCodec.of(table.dtype());
    int count = table.columns() / table.dtype().blockElements();
    return (row, to, at) -> codec.decode(table.data(), table.rowOffset(row), count, to, at);
  }

  /** Returns the rows of a computed value. */
  static GatherStep ofValue(Team team, Span table, Ids ids, Span y) {
    int columns = table.length() / Math.max(1, ids.rows());
    Table rows =
        (row, to, at) ->
            System.arraycopy(table.floats(), table.at() + row * columns, to, at, columns);
    return new GatherStep(team.workers(), rows, ids, y);
  }

  @Override
  public void run() {
    ids.check();
    workers.run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    for (int i = bands.from(band); i < bands.to(band); i++) {
      table.copyRow(ids.get(i), y.floats(), y.at() + i * columns);
    }
  }
}
