package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;

/**
 * Causal attention over a KV cache. With a single row, the query heads that read the same keys are
 * computed together, so that keys and values are streamed once for all of them.
 */
final class CachedAttentionStep implements Step, Workers.Task {

  /** Multiplications below which another thread does not pay. */
  static final long LEAST_PRODUCTS = 1 << 16;

  private final Team team;
  private final Span q;
  private final Span keys;
  private final Span values;
  private final Position position;
  private final Span y;
  private final Heads heads;
  private final AttentionTask[] tasks;
  private final int rows;
  private final int queries;
  private final int tile;
  private final int blocks;
  private int first;

  CachedAttentionStep(
      Team team,
      float scale,
      Span q,
      Span keys,
      Span values,
      Position position,
      Span y,
      Heads heads,
      int rows) {
    this.team = team;
    this.q = q;
    this.keys = keys;
    this.values = values;
    this.position = position;
    this.y = y;
    this.heads = heads;
    this.tasks = heads.tasks(team, scale);
    this.rows = rows;
    this.queries = rows == 1 ? heads.group() : rows;
    this.tile = heads.queryBlock(team, queries, 1);
    this.blocks = Math.ceilDiv(queries, tile);
    if (rows == 1) {
      for (AttentionTask task : tasks) {
        task.qStride = heads.headDim();
        task.outStride = heads.valueDim();
      }
    }
  }

  @Override
  public void run() {
    first = position.check(rows);
    int parts = blocks * (rows == 1 ? heads.keys() : heads.queries());
    long products = (long) rows * (first + rows) * heads.queries() * heads.headDim();
    if (products < LEAST_PRODUCTS) {
      for (int part = 0; part < parts; part++) {
        run(part, 0);
      }
    } else {
      team.workers().run(parts, this);
    }
  }

  @Override
  public void run(int part, int worker) {
    int block = blocks - 1 - part % blocks;
    int head = part / blocks * (rows == 1 ? heads.group() : 1);
    AttentionTask task = tasks[worker];
    heads.aim(task, q, keys, values, y, head, 0, 0);
    task.keys = first + rows;
    task.causal = rows > 1;
    task.visible = first;
    int from = block * tile;
    int to = Math.min(queries, from + tile);
    team.kernels().attend(task, from, to, team.scratch().array(worker));
  }
}
