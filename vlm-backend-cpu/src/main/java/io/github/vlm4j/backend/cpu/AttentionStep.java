package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.core.graph.Op;

/**
 * Attention of segments of queries to segments of keys. A part of the work is one head of one block
 * of queries, whose keys all lie in one segment.
 */
final class AttentionStep implements Step, Workers.Task {

  private final Team team;
  private final Op.Attention op;
  private final Span q;
  private final Span k;
  private final Span v;
  private final Span y;
  private final Heads heads;
  private final AttentionTask[] tasks;
  private final int[] blockSegment;
  private final int[] blockFirst;
  private final int[] segmentStart;
  private final int[] keyStart;
  private final int tile;
  private final boolean alone;

  AttentionStep(Team team, Op.Attention op, Span q, Span k, Span v, Span y, Heads heads) {
    this.team = team;
    this.op = op;
    this.q = q;
    this.k = k;
    this.v = v;
    this.y = y;
    this.heads = heads;
    this.tasks = heads.tasks(team, op.scale());
    int longest = op.segments().stream().mapToInt(Integer::intValue).max().orElse(1);
    this.tile = heads.queryBlock(team, longest, op.segments().size());
    int blocks = op.segments().stream().mapToInt(length -> Math.ceilDiv(length, tile)).sum();
    this.blockSegment = new int[blocks];
    this.blockFirst = new int[blocks];
    this.segmentStart = new int[op.segments().size() + 1];
    this.keyStart = new int[op.segments().size() + 1];
    int block = 0;
    long products = 0;
    for (int segment = 0; segment < op.segments().size(); segment++) {
      int length = op.segments().get(segment);
      segmentStart[segment + 1] = segmentStart[segment] + length;
      int keys = op.keySegments().get(segment);
      keyStart[segment + 1] = keyStart[segment] + keys;
      products += (long) length * keys * heads.queries() * heads.headDim();
      for (int first = 0; first < length; first += tile) {
        blockSegment[block] = segment;
        blockFirst[block++] = first;
      }
    }
    this.alone = products < CachedAttentionStep.LEAST_PRODUCTS;
  }

  @Override
  public void run() {
    int parts = blockSegment.length * heads.queries();
    if (alone) {
      for (int part = 0; part < parts; part++) {
        run(part, 0);
      }
    } else {
      team.workers().run(parts, this);
    }
  }

  @Override
  public void run(int part, int worker) {
    // Later blocks of a causal segment see more keys; beginning with them evens out the end.
    int block = blockSegment.length - 1 - part % blockSegment.length;
    int head = part / blockSegment.length;
    int segment = blockSegment[block];
    int start = segmentStart[segment];
    int length = segmentStart[segment + 1] - start;
    AttentionTask task = tasks[worker];
    heads.aim(task, q, k, v, y, head, start, keyStart[segment]);
    task.keys = keyStart[segment + 1] - keyStart[segment];
    task.causal = op.causal();
    task.visible = 0;
    int first = blockFirst[block];
    int last = Math.min(length, first + tile);
    team.attention().attend(task, first, last, team.scratch().array(worker));
  }
}
