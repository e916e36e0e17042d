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
  private final int[] firstKeyOfRow;
  private final int[] keysEndOfRow;
  private final int keys;
  private final Bands bands;

  AttentionWeightsStep(Team team, Op.AttentionWeights op, Span q, Span k, Span y, Heads heads) {
    this.team = team;
    this.op = op;
    this.q = q;
    this.k = k;
    this.y = y;
    this.heads = heads;
    int n = op.segments().stream().mapToInt(Integer::intValue).sum();
    this.firstKeyOfRow = new int[n];
    this.keysEndOfRow = new int[n];
    int row = 0;
    int key = 0;
    for (int segment = 0; segment < op.segments().size(); segment++) {
      int rowEnd = row + op.segments().get(segment);
      int keyEnd = key + op.keySegments().get(segment);
      Arrays.fill(firstKeyOfRow, row, rowEnd, key);
      Arrays.fill(keysEndOfRow, row, rowEnd, keyEnd);
      row = rowEnd;
      key = keyEnd;
    }
    this.keys = key;
    long rowProducts = Math.max(1, (long) keys * heads.headDim());
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
      weigh(i / firstKeyOfRow.length, i % firstKeyOfRow.length);
    }
  }

  private void weigh(int head, int row) {
    Kernels kernels = team.kernels();
    int d = heads.headDim();
    int first = firstKeyOfRow[row];
    int last = op.causal() ? row + 1 : keysEndOfRow[row];
    float[] weights = y.floats();
    int at = y.at() + (head * firstKeyOfRow.length + row) * keys;
    int qAt = q.at() + (row * heads.queries() + head) * d;
    int kAt = k.at() + head / heads.group() * d;
    Arrays.fill(weights, at, at + keys, 0f);
    for (int key = first; key < last; key++) {
      weights[at + key] =
          op.scale() * kernels.dot(q.floats(), qAt, k.floats(), kAt + key * heads.keys() * d, d);
    }
    kernels.softmax(weights, at + first, last - first);
  }
}
