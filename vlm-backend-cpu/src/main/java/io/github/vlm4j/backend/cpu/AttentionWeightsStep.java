package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.graph.Op;
import java.util.Arrays;

/** The weights of an attention, a row of scores at a time. */
final class AttentionWeightsStep implements Step, Workers.Task {

  private final Team team;
  private final Op.AttentionWeights op;
  private final Span q;
  private final Span k;
  private final Span y;
  private final Heads heads;
  private final int[] segmentStartOfRow;
  private final int[] segmentEndOfRow;
  private final Bands bands;

  AttentionWeightsStep(Team team, Op.AttentionWeights op, Span q, Span k, Span y, Heads heads) {
    this.team = team;
    this.op = op;
    this.q = q;
    this.k = k;
    this.y = y;
    this.heads = heads;
    int n = op.segments().stream().mapToInt(Integer::intValue).sum();
    this.segmentStartOfRow = new int[n];
    this.segmentEndOfRow = new int[n];
    int start = 0;
    for (int length : op.segments()) {
      Arrays.fill(segmentStartOfRow, start, start + length, start);
      Arrays.fill(segmentEndOfRow, start, start + length, start + length);
      start += length;
    }
    long rowProducts = Math.max(1, (long) n * heads.headDim());
    this.bands =
        Bands.of(
            heads.queries() * n,
            CachedAttentionStep.LEAST_PRODUCTS / rowProducts,
            1,
            team.workers());
  }

  @Override
  public void run() {
    team.workers().run(bands.count(), this);
  }

  @Override
  public void run(int band, int worker) {
    for (int i = bands.from(band); i < bands.to(band); i++) {
      weigh(i / segmentStartOfRow.length, i % segmentStartOfRow.length);
    }
  }

  private void weigh(int head, int row) {
    Kernels kernels = team.kernels();
    int n = segmentStartOfRow.length;
    int d = heads.headDim();
    int first = segmentStartOfRow[row];
    int last = op.causal() ? row + 1 : segmentEndOfRow[row];
    float[] weights = y.floats();
    int at = y.at() + (head * n + row) * n;
    int qAt = q.at() + (row * heads.queries() + head) * d;
    int kAt = k.at() + head / heads.group() * d;
    Arrays.fill(weights, at, at + n, 0f);
    for (int key = first; key < last; key++) {
      weights[at + key] =
          op.scale() * kernels.dot(q.floats(), qAt, k.floats(), kAt + key * heads.keys() * d, d);
    }
    kernels.softmax(weights, at + first, last - first);
  }
}
