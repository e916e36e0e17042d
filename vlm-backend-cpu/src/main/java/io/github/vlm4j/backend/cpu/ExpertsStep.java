package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.core.graph.Op;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A mixture of experts. Only the weights of experts that some row uses are read, each once or once
 * for a block of many rows. First all threads compute {@code gate · activation(gate_e x) · up_e x},
 * a part being a band of one expert's; then the result, a part being a band of it, to which experts
 * are added in their order, so that it does not depend on the threads. Experts that few rows use
 * and whose weights are stored the other way round are left to {@link StreamedExperts}.
 */
final class ExpertsStep implements Step {

  /** Bytes of weights below which another thread does not pay. */
  private static final long LEAST_BYTES = 1 << 16;

  /** Outputs that pay for rearranging the rows of a block. */
  private static final int LEAST_OUTPUTS = 128;

  /** Floats between the layers that a group of experts takes at most. */
  private static final int GATED_FLOATS = 1 << 22;

  private final Team team;
  private final Op.Experts op;
  private final Span x;
  private final ExpertMatrices[] experts;
  private final Span y;
  private final ExpertProducts products;
  private final @Nullable StreamedExperts streamed;
  private final ExpertRows used;
  private final RowBlock[] blocks;
  private final int hidden;
  private final int inter;
  private final int temporary;
  private final Bands gatedBands;
  private final Bands outputBands;
  private final Workers.Task gate = this::gate;
  private final Workers.Task add = this::add;

  /**
   * Lowers a mixture.
   *
   * @param gates {@code [rows, experts]}
   * @param products multiply with weights as they are stored
   */
  ExpertsStep(
      Team team,
      Op.Experts op,
      Span x,
      Span gates,
      List<ExpertMatrices> experts,
      Span y,
      ExpertProducts products,
      int rows) {
    this.team = team;
    this.op = op;
    this.x = x;
    this.experts = experts.toArray(ExpertMatrices[]::new);
    this.y = y;
    this.products = products;
    Matrix down = this.experts[0].down();
    this.hidden = op.transposed() ? down.columns() : down.rows();
    this.inter = op.transposed() ? down.rows() : down.columns();
    int most = GATED_FLOATS / Math.max(1, inter);
    int tile = team.kernels().runTile();
    this.used = new ExpertRows(gates, rows, experts.size(), hidden, inter, tile, most);
    this.blocks = new RowBlock[team.workers().size()];
    Arrays.setAll(blocks, worker -> new RowBlock());
    this.gatedBands = bands(inter, hidden, rows);
    this.outputBands = bands(hidden, inter, rows);
    this.temporary =
        Math.toIntExact(
            Math.max(
                products.scratch(hidden, gatedBands.size()),
                products.scratch(inter, outputBands.size())));
    int widest = Math.max(gatedBands.size(), outputBands.size());
    team.scratch().require(temporary + (long) Math.min(rows, products.mostRows()) * widest);
    long gated = (long) used.capacity() * inter;
    team.packed().require(gated);
    this.streamed =
        op.transposed()
            ? new StreamedExperts(team, op.activation(), x, this.experts, used, y, gated, rows)
            : null;
  }

  private Bands bands(int outputs, int inputs, int rows) {
    long least = LEAST_BYTES / Math.max(1, experts[0].down().dtype().bytes(inputs));
    // Several rows of weights are streamed side by side, and several are computed at once.
    int multiple = op.transposed() ? team.kernels().weightTile() : 8 * team.kernels().outputTile();
    long pays = rows > products.mostFew() ? LEAST_OUTPUTS : 1;
    return Bands.of(outputs, Math.max(least, pays), multiple, team.workers());
  }

  @Override
  public void run() {
    Arrays.fill(y.floats(), y.at(), y.at() + y.length(), 0);
    for (int next = 0; next < experts.length && inter > 0; ) {
      next = used.find(next);
      int inBands = used.active();
      if (streamed != null) {
        inBands -= streamed.run();
      }
      if (inBands > 0) {
        team.workers().run(used.active() * gatedBands.count(), gate);
        team.workers().run(outputBands.count(), add);
      }
    }
  }

  private boolean isStreamed(int index) {
    return streamed != null && StreamedExperts.suits(used.count(index));
  }

  private void gate(int part, int worker) {
    int index = part / gatedBands.count();
    if (isStreamed(index)) {
      return;
    }
    int from = gatedBands.from(part % gatedBands.count());
    int to = gatedBands.to(part % gatedBands.count());
    ExpertMatrices expert = experts[used.expert(index)];
    BandProduct product = products.of(used.count(index));
    float[] gated = team.packed().array(0);
    float[] scratch = team.scratch().array(worker);
    RowBlock block = blocks[worker];
    block.x = x.floats();
    block.xAt = x.at();
    block.rows = used.inputs();
    int end = used.first(index) + used.count(index);
    for (block.first = used.first(index); block.first < end; block.first += block.count) {
      block.count = Math.min(product.mostRows(), end - block.first);
      int at = block.first * inter + from;
      int upFrom = expert.upAt() + from;
      product.prepare(block, scratch);
      product.multiply(block, expert.gate(), from, to, gated, at, inter, scratch);
      product.multiply(
          block, expert.up(), upFrom, upFrom + to - from, scratch, temporary, to - from, scratch);
      for (int row = 0; row < block.count; row++) {
        int up = temporary + row * (to - from);
        used.gate(
            team.elements(),
            op.activation(),
            block.first + row,
            gated,
            at + row * inter,
            scratch,
            up,
            to - from);
      }
    }
  }

  private void add(int band, int worker) {
    int from = outputBands.from(band);
    int to = outputBands.to(band);
    float[] scratch = team.scratch().array(worker);
    RowBlock block = blocks[worker];
    block.x = team.packed().array(0);
    block.xAt = 0;
    block.rows = used.gated();
    for (int index = 0; index < used.active(); index++) {
      if (isStreamed(index)) {
        continue;
      }
      Matrix down = experts[used.expert(index)].down();
      BandProduct product = products.of(used.count(index));
      int end = used.first(index) + used.count(index);
      for (block.first = used.first(index); block.first < end; block.first += block.count) {
        block.count = Math.min(product.mostRows(), end - block.first);
        product.prepare(block, scratch);
        product.multiply(block, down, from, to, scratch, temporary, to - from, scratch);
        for (int row = 0; row < block.count; row++) {
          int sum = y.at() + used.row(block.first + row) * hidden + from;
          int term = temporary + row * (to - from);
          team.elements().add(y.floats(), sum, scratch, term, y.floats(), sum, to - from);
        }
      }
    }
  }
}
