package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.core.graph.Op;

/**
 * Causal attention over a KV cache, or over the last rows of one. With a single row, the query
 * heads that read the same keys are computed together, so that keys and values are streamed once
 * for all of them.
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
  private final int window;
  private final int queries;
  private final int tile;
  private final int blocks;
  private int first;

  CachedAttentionStep(
      Team team,
      Op.CachedAttention op,
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
    this.tasks = heads.tasks(team, op.scale());
    this.rows = rows;
    this.window = op.window();
    this.queries = rows == 1 ? heads.group() : rows;
    this.tile = heads.queryBlock(team, queries, 1);
    this.blocks = Math.ceilDiv(queries, tile);
    for (AttentionTask task : tasks) {
      task.causal = rows > 1;
      task.window = window;
      if (rows == 1) {
        task.qStride = heads.headDim();
        task.outStride = heads.valueDim();
      }
    }
  }

  @Override
  public void run() {
    first = position.check(rows);
    int parts = blocks * (rows == 1 ? heads.keys() : heads.queries());
    long seen = (long) first + rows - firstSeen(0);
    long products = rows * seen * heads.queries() * heads.headDim();
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
    int from = block * tile;
    int to = Math.min(queries, from + tile);
    int key = firstSeen(rows == 1 ? 0 : from);
    heads.aim(task, q, keys, values, y, head, 0, key);
    task.keys = first + rows - key;
    task.visible = first - key;
    team.kernels().attend(task, from, to, team.scratch().array(worker));
  }

  /** Returns the first cached row that a row of this run, or any after it, sees. */
  private int firstSeen(int row) {
    return window == 0 ? 0 : Math.max(0, first + row + 1 - window);
  }
}
