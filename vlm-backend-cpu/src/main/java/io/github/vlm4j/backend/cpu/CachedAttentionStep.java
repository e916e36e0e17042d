package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.core.graph.Op;

/**
 * Causal attention over a KV cache, or over the last rows of one. With a single row, the query
 * heads that read the same keys are computed together, so that keys and values are streamed once
 * for all of them, and a long cache is cut into chunks whose results are merged (Dao et al.,
 * "Flash-Decoding", 2023). Where it is cut depends on the number of rows only, so that the number
 * of threads does not change a result.
 */
final class CachedAttentionStep implements Step, Workers.Task {

  /** Multiplications below which another thread does not pay. */
  static final long LEAST_PRODUCTS = 1 << 16;

  /** Cached rows that are attended to at once: long enough for merging to cost nothing beside. */
  private static final int CHUNK = 1024;

  private final Team team;
  private final Span q;
  private final StateRows keys;
  private final StateRows values;
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
  private int chunks;

  CachedAttentionStep(
      Team team,
      Op.CachedAttention op,
      Span q,
      StateRows keys,
      StateRows values,
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
    if (rows == 1) {
      int most = window == 0 ? keys.capacity() : Math.min(window, keys.capacity());
      team.packed().require((long) Math.ceilDiv(most, CHUNK) * chunkFloats());
    }
  }

  /** Returns the floats of one chunk's results, followed by their maxima and sums. */
  private long chunkFloats() {
    return (long) heads.queries() * (heads.valueDim() + 2);
  }

  @Override
  public void run() {
    first = position.check(rows);
    long seen = (long) first + rows - firstSeen(0);
    chunks = rows == 1 ? (int) Math.ceilDiv(seen, CHUNK) : 1;
    int parts = chunks * blocks * (rows == 1 ? heads.keys() : heads.queries());
    long products = rows * seen * heads.queries() * heads.headDim();
    if (products < LEAST_PRODUCTS) {
      for (int part = 0; part < parts; part++) {
        run(part, 0);
      }
    } else {
      team.workers().run(parts, this);
    }
    if (chunks > 1) {
      merge();
    }
  }

  @Override
  public void run(int part, int worker) {
    int chunk = part % chunks;
    int block = blocks - 1 - part / chunks % blocks;
    int head = part / chunks / blocks * (rows == 1 ? heads.group() : 1);
    AttentionTask task = tasks[worker];
    int from = block * tile;
    int to = Math.min(queries, from + tile);
    int key = firstSeen(rows == 1 ? 0 : from) + chunk * CHUNK;
    task.q = q.floats();
    task.qAt = q.at() + head * heads.headDim();
    int keyHead = head / heads.group();
    keys.aimKeys(task, keyHead, key);
    values.aimValues(task, keyHead, key);
    task.keys = first + rows - key;
    task.visible = first - key;
    if (chunks == 1) {
      task.out = y.floats();
      task.outAt = y.at() + head * heads.valueDim();
      task.stats = AttentionTask.NO_STATS;
    } else {
      task.keys = Math.min(CHUNK, task.keys);
      task.out = team.packed().array(0);
      task.outAt = (int) (chunk * chunkFloats()) + head * heads.valueDim();
      task.stats = task.out;
      task.statsAt = statsAt(chunk, head);
    }
    team.attention().attend(task, from, to, team.scratch().array(worker));
  }

  private int statsAt(int chunk, int head) {
    return (int) (chunk * chunkFloats()) + heads.queries() * heads.valueDim() + 2 * head;
  }

  /** Averages the results of the chunks, weighted by their sums relative to the greatest score. */
  private void merge() {
    float[] parts = team.packed().array(0);
    float[] out = y.floats();
    int n = heads.valueDim();
    for (int head = 0; head < heads.queries(); head++) {
      float max = Float.NEGATIVE_INFINITY;
      for (int chunk = 0; chunk < chunks; chunk++) {
        max = Math.max(max, parts[statsAt(chunk, head)]);
      }
      double total = 0;
      for (int chunk = 0; chunk < chunks; chunk++) {
        total += weight(parts, statsAt(chunk, head), max);
      }
      int to = y.at() + head * n;
      for (int chunk = 0; chunk < chunks; chunk++) {
        float weight = (float) (weight(parts, statsAt(chunk, head), max) / total);
        int from = (int) (chunk * chunkFloats()) + head * n;
        for (int i = 0; i < n; i++) {
          float part = weight * parts[from + i];
          out[to + i] = chunk == 0 ? part : out[to + i] + part;
        }
      }
    }
  }

  private static double weight(float[] stats, int at, float max) {
    return stats[at] == Float.NEGATIVE_INFINITY ? 0 : stats[at + 1] * Math.exp(stats[at] - max);
  }

  /** Returns the first cached row that a row of this run, or any after it, sees. */
  private int firstSeen(int row) {
    return window == 0 ? 0 : Math.max(0, first + row + 1 - window);
  }
}
