package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import org.jspecify.annotations.Nullable;

/** Rounds the inputs of a linear layer for a product that computes with coarser numbers. */
final class RoundStep implements Step, Workers.Task {

  private final Team team;
  private final RoundedLoops loops;
  private final Span x;
  private final int columns;
  private final Bands rows;

  /** Where rounded inputs begin in this run. */
  private int roundedAt;

  private RoundStep(Team team, RoundedLoops loops, Span x, int rows, int columns) {
    this.team = team;
    this.loops = loops;
    this.x = x;
    this.columns = columns;
    this.rows = Bands.of(rows, Bands.LEAST_CHEAP / columns, 1, team.workers());
    team.packed().require(loops.roundedFloats(rows, columns));
  }

  /** Returns the loops for a linear layer of so many rows of inputs, or null if there are none. */
  static @Nullable RoundedLoops loops(Team team, Matrix weight, int rows) {
    RoundedLoops loops =
        team.emitted() == null || weight.columns() == 0
            ? null
            : team.emitted().rounded(weight.dtype());
    return loops == null || rows < loops.leastInputs(weight.dtype()) ? null : loops;
  }

  /** Lowers a linear layer to rounding its inputs, then multiplying. */
  static Step before(
      Team team,
      RoundedLoops loops,
      Span x,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int rows) {
    RoundStep round = new RoundStep(team, loops, x, rows, weight.columns());
    Runs inputs = loops.roundedRuns(rows, weight.columns());
    Scratch rounded = team.packed();
    Step multiply =
        new RunMatMulStep(
            team, loops, () -> rounded.array(0), () -> round.roundedAt, inputs, weight, bias, y);
    return () -> {
      round.run();
      multiply.run();
    };
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
