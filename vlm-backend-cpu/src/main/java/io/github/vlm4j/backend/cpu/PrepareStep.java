package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import org.jspecify.annotations.Nullable;

/** Lays the inputs of linear layers out, and rounds them, for products that read them so. */
final class PrepareStep implements Step, Workers.Task {

  private final Team team;
  private final PreparedLoops loops;
  private final Span x;
  private final @Nullable Elements elements;
  private final boolean kept;
  private final Runs inputs;
  private final Bands rows;

  /** The rows that are computed and prepared at once. */
  private final int cachedRows;

  private int preparedAt;

  /**
   * Lowers preparing.
   *
   * @param x {@code [rows, columns]}
   * @param elements computes the inputs, or null if they are in {@code x}
   * @param kept whether what is computed goes there as well
   */
  PrepareStep(
      Team team,
      PreparedLoops loops,
      Span x,
      @Nullable Elements elements,
      boolean kept,
      Runs inputs) {
    this.team = team;
    this.loops = loops;
    this.x = x;
    this.elements = elements;
    this.kept = kept;
    this.inputs = inputs;
    int columns = inputs.size();
    int together = loops.preparedTogether();
    this.cachedRows = Math.ceilDiv(Math.max(1, Elements.CACHED / columns), together) * together;
    long least = elements == null ? Bands.LEAST_CHEAP : Bands.LEAST_COSTLY;
    this.rows = Bands.of(inputs.rows(), least / columns, together, team.workers());
    team.packed().require(loops.preparedFloats(inputs.rows(), columns));
    if (elements != null && !kept) {
      team.scratch().require((long) cachedRows * columns);
    }
  }

  /** Returns where prepared inputs begin in this run. */
  int preparedAt() {
    return preparedAt;
  }

  @Override
  public void run() {
    preparedAt = loops.aligned(team.packed().array(0), 0);
    team.workers().run(rows.count(), this);
  }

  @Override
  public void run(int part, int worker) {
    int columns = inputs.size();
    int from = rows.from(part);
    int to = rows.to(part);
    float[] prepared = team.packed().array(0);
    if (elements == null) {
      loops.prepareInputs(x.floats(), x.at(), inputs, from, to, prepared, preparedAt);
      return;
    }
    float[] computed = kept ? x.floats() : team.scratch().array(worker);
    for (int row = from; row < to; row += cachedRows) {
      int some = Math.min(cachedRows, to - row);
      int at = row * columns;
      int computedAt = kept ? x.at() + at : 0;
      elements.compute(at, some * columns, computed, computedAt);
      loops.prepareInputs(computed, computedAt - at, inputs, row, row + some, prepared, preparedAt);
    }
  }
}
