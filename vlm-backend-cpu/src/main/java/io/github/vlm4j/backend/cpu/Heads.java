package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.core.graph.Value;

/**
 * The heads of an attention.
 *
 * @param queries the number of query heads
 * @param keys the number of key and value heads, a divisor of {@code queries}
 * @param headDim the length of a query and a key
 * @param valueDim the length of a value and a result
 */
record Heads(int queries, int keys, int headDim, int valueDim) {

  private static final int PARTS_PER_THREAD = 4;

  /** A multiple of what kernels hold in registers, whatever the width of vectors. */
  private static final int BLOCK_STEP = 64;

  /**
   * Returns the heads of an operation's operands.
   *
   * @param q {@code [n, heads, headDim]}
   * @param k {@code [rows, kvHeads, headDim]}
   * @param v {@code [rows, kvHeads, valueDim]}
   */
  static Heads of(Value q, Value k, Value v) {
    return new Heads(
        (int) q.shape().dim(1),
        (int) k.shape().dim(1),
        (int) q.shape().dim(2),
        (int) v.shape().dim(2));
  }

  /**
   * Returns the heads of an attention over a cache.
   *
   * @param q {@code [n, heads, headDim]}
   * @param k {@code [kvHeads, capacity, headDim]}
   * @param v {@code [kvHeads, capacity, valueDim]}
   */
  static Heads ofCached(Value q, Value k, Value v) {
    return new Heads(
        (int) q.shape().dim(1),
        (int) k.shape().dim(0),
        (int) q.shape().dim(2),
        (int) v.shape().dim(2));
  }

  /** Returns the number of query heads that read the same keys. */
  int group() {
    return queries / keys;
  }

  /**
   * Returns how many queries a part of the work should have: as many as share a copy of keys and
   * values, but so few that all threads have work.
   *
   * @param rows the queries of the longest segment
   * @param segments the number of segments
   */
  int queryBlock(Team team, int rows, int segments) {
    int threads = team.workers().size();
    int parts = threads == 1 ? 1 : PARTS_PER_THREAD * threads;
    int blocks = (int) Math.ceilDiv(parts, Math.max(1, (long) queries * segments));
    int even = Math.ceilDiv(Math.max(1, Math.ceilDiv(rows, blocks)), BLOCK_STEP) * BLOCK_STEP;
    return Math.min(even, team.attention().queryTile());
  }

  /** Returns one task per worker that differs between calls only in where it begins. */
  AttentionTask[] tasks(Team team, float scale) {
    team.scratch().require(team.attention().attendScratch(headDim, valueDim));
    AttentionTask[] tasks = new AttentionTask[team.workers().size()];
    for (int i = 0; i < tasks.length; i++) {
      AttentionTask task = new AttentionTask();
      task.headDim = headDim;
      task.valueDim = valueDim;
      task.scale = scale;
      task.qStride = queries * headDim;
      task.kStride = keys * headDim;
      task.vStride = keys * valueDim;
      task.outStride = queries * valueDim;
      tasks[i] = task;
    }
    return tasks;
  }

  /**
   * Points a task at one head.
   *
   * @param head the query head
   * @param qRow the row of q and out that query 0 is
   * @param kRow the row of k and v that key 0 is
   */
  void aim(AttentionTask task, Span q, Span k, Span v, Span out, int head, int qRow, int kRow) {
    int kvHead = head / group();
    task.q = q.floats();
    task.qAt = q.at() + (qRow * queries + head) * headDim;
    task.k = k.floats();
    task.kAt = k.at() + (kRow * keys + kvHead) * headDim;
    task.v = v.floats();
    task.vAt = v.at() + (kRow * keys + kvHead) * valueDim;
    task.out = out.floats();
    task.outAt = out.at() + (qRow * queries + head) * valueDim;
  }
}
