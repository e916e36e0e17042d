package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;

/** Rounds the inputs of linear layers for products that compute with coarser numbers. */
final class RoundStep implements Step, Workers.Task {

  private final Team team;
  private final RoundedLoops loops;
  private final Span x;
  private final int columns;
  private final Bands rows;

  private int roundedAt;

  RoundStep(Team team, RoundedLoops loops, Span x, int rows, int columns) {
    this.team = team;
    this.loops = loops;
    this.x = x;
    this.columns = columns;
    this.rows = Bands.of(rows, Bands.LEAST_CHEAP / columns, 1, team.workers());
    team.packed().require(loops.roundedFloats(rows, columns));
  }

  /** Returns where rounded inputs begin in this run. */
  int roundedAt() {
    return roundedAt;
  }

  @Override
  public void run() {
    roundedAt = loops.aligned(team.packed().array(0), 0);
    team.workers().run(rows.count(), this);
  }

  @Override
  public void run(int part, int worker) {
    loops.roundInputs(
        x.floats(),
        x.at(),
        columns,
        rows.from(part),
        rows.to(part),
        team.packed().array(0),
        roundedAt);
  }
}
