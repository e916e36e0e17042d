package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.FewRowsLoops;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.RowLoops;
import io.github.vlm4j.core.graph.Activation;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of one and the same input row, or of a few: bound by reading the weights, which are
 * streamed once. Several layers are one sweep over one set of bands, so that threads meet once for
 * all of them. With several rows, a band of weights is still in the cache when the next row needs
 * it.
 */
final class MatVecStep implements Step, Workers.Task {

  /** One layer: its parameters and where its results go. */
  private record Product(
      Matrix weight, float @Nullable [] bias, Span y, @Nullable RowLoops emitted) {}

  /** What is done with a band of the results of two layers while it is cached. */
  private record Gating(Activation activation, Span y) {}

  /** Layers of as many outputs each, of which the same band is computed by the same thread. */
  private record Group(List<Product> products, @Nullable Gating gating) {
    int outputs() {
      return products.getFirst().weight().rows();
    }

    Stream<Span> results() {
      Stream<Span> spans = products.stream().map(Product::y);
      return gating == null ? spans : Stream.concat(spans, Stream.of(gating.y()));
    }

    SweepPart.Rows rows(boolean cached) {
      return new SweepPart.Rows(
          outputs(),
          products.stream().mapToLong(product -> bytesOfRow(product.weight())).sum(),
          cached ? cachedRows(products.getFirst().weight()) : Integer.MAX_VALUE);
    }
  }

  /** Bytes of weights that stay in a core's second cache from one row to the next. */
  private static final long CACHED_BYTES = 1 << 18;

  /**
   * Rows up to which emitted code takes quantised weights row by row: matrix products are faster
   * for more, but have to be compiled before a short question is answered.
   */
  static final int MOST_EMITTED_ROWS = 24;

  private final Team team;
  private final Span x;
  private final int rows;
  private final List<Group> groups;
  private final List<SweepPart> parts;

  /** Multiplies all layers with several inputs at a time, or null. */
  private final @Nullable FewRowsLoops several;

  /** For each thread the layer whose type of weights its one input is rounded for, or null. */
  private final @Nullable Product[] rounded;

  /** Where that begins in the thread's scratch. */
  private final int[] roundedAt;

  private final Workers.Task round = this::round;

  MatVecStep(Team team, Span x, Matrix weight, float @Nullable [] bias, Span y, int rows) {
    this(
        team,
        x,
        rows,
        List.of(new Group(List.of(new Product(weight, bias, y, emitted(team, weight))), null)));
    RowLoops emitted = emitted(team, weight);
    team.scratch()
        .require(
            emitted == null
                ? team.kernels().matVecScratch(weight.columns())
                : emitted.scratch(weight.columns()));
  }

  private MatVecStep(Team team, Span x, int rows, List<Group> groups) {
    this.team = team;
    this.x = x;
    this.rows = rows;
    this.groups = groups;
    List<SweepPart.Rows> matrices = groups.stream().map(group -> group.rows(rows > 1)).toList();
    this.parts = SweepPart.cut(matrices, team.workers().size());
    this.rounded = new Product[team.workers().size()];
    this.roundedAt = new int[rounded.length];
    this.several = several(team, rows, groups);
    if (several != null) {
      team.scratch().require(several.scratch());
      team.packed().require((long) rows * several.roundedFloats(columns()));
    }
  }

  private static @Nullable FewRowsLoops several(Team team, int rows, List<Group> groups) {
    FewRowsLoops several = null;
    for (Group group : groups) {
      for (Product product : group.products()) {
        several = team.emitted() == null ? null : team.emitted().fewRows(product.weight());
        if (product.emitted() == null || several == null || rows < several.leastInputs()) {
          return null;
        }
      }
    }
    return several;
  }

  /** Returns the length of an input. */
  private int columns() {
    return groups.getFirst().products().getFirst().weight().columns();
  }

  private static long bytesOfRow(Matrix weight) {
    return Math.max(1, weight.dtype().bytes(weight.columns()));
  }

  /** Returns how many rows of weights stay in the cache for the next row of inputs. */
  static int cachedRows(Matrix weight) {
    return (int) Math.max(1, CACHED_BYTES / bytesOfRow(weight) / SweepPart.MULTIPLE)
        * SweepPart.MULTIPLE;
  }

  /** Returns one sweep of this and what follows, if both read the same input and write apart. */
  @Nullable MatVecStep with(MatVecStep next) {
    boolean apart = next.groups.stream().flatMap(Group::results).noneMatch(this::uses);
    return rows == next.rows && x.equals(next.x) && apart
        ? new MatVecStep(
            team, x, rows, Stream.concat(groups.stream(), next.groups.stream()).toList())
        : null;
  }

  private boolean uses(Span span) {
    return x.meets(span) || groups.stream().flatMap(Group::results).anyMatch(span::meets);
  }

  /**
   * Returns this with the gated product of two of its layers added, if it ends in these and there
   * is one row.
   *
   * @param gate the results that go through the activation
   * @param up what they are multiplied with
   * @param y where to; may be one of them
   */
  @Nullable MatVecStep gated(Activation activation, Span gate, Span up, Span y) {
    int last = groups.size() - 1;
    if (rows != 1 || last < 1) {
      return null;
    }
    Group first = groups.get(last - 1);
    Group second = groups.get(last);
    boolean both =
        first.products().size() == 1
            && second.products().size() == 1
            && first.products().getFirst().y().equals(gate)
            && second.products().getFirst().y().equals(up);
    boolean inPlace = y.equals(gate) || y.equals(up);
    if (!both || !inPlace && uses(y)) {
      return null;
    }
    Group pair =
        new Group(
            List.of(first.products().getFirst(), second.products().getFirst()),
            new Gating(activation, y));
    return new MatVecStep(
        team, x, rows, Stream.concat(groups.stream().limit(last - 1), Stream.of(pair)).toList());
  }

  @Override
  public void run() {
    if (several != null) {
      team.workers().run(rows, round);
    }
    Arrays.fill(rounded, null);
    team.workers().run(parts.size(), this);
  }

  private void round(int row, int worker) {
    FewRowsLoops loops = Objects.requireNonNull(several);
    int columns = columns();
    loops.round(
        x.segment(),
        x.at() + row * columns,
        columns,
        team.packed().segment(0),
        row * loops.roundedFloats(columns));
  }

  @Override
  public void run(int index, int worker) {
    SweepPart part = parts.get(index);
    Group group = groups.get(part.matrix());
    int from = part.from();
    int to = part.to();
    for (int i = 0; i < group.products().size(); i++) {
      multiply(group.products().get(i), from, to, worker);
    }
    Gating gating = group.gating();
    if (gating != null) {
      Span gate = group.products().get(0).y();
      Span up = group.products().get(1).y();
      team.elements()
          .gate(
              gating.activation(),
              gate.floats(),
              gate.at() + from,
              up.floats(),
              up.at() + from,
              gating.y().floats(),
              gating.y().at() + from,
              to - from);
    }
  }

  private void multiply(Product product, int from, int to, int worker) {
    Matrix weight = product.weight();
    if (product.emitted() != null) {
      multiply(product.emitted(), product, from, to, worker);
      return;
    }
    rounded[worker] = null;
    for (int row = 0; row < rows; row++) {
      team.kernels()
          .matVec(
              weight,
              from,
              to,
              x.floats(),
              x.at() + row * weight.columns(),
              product.bias(),
              product.y().floats(),
              product.y().at() + row * weight.rows(),
              team.scratch().array(worker));
    }
  }

  /** Returns whether a layer goes through emitted code row by row, for so many rows of inputs. */
  static boolean isEmitted(Team team, Matrix weight, int rows) {
    return rows <= MOST_EMITTED_ROWS
        && PreparedLinearStep.rounded(team, weight, rows) == null
        && emitted(team, weight) != null;
  }

  private static @Nullable RowLoops emitted(Team team, Matrix weight) {
    return team.emitted() == null ? null : team.emitted().rows(weight);
  }

  private void multiply(RowLoops emitted, Product product, int from, int to, int worker) {
    Matrix weight = product.weight();
    Span y = product.y();
    if (several == null) {
      for (int row = 0; row < rows; row++) {
        round(emitted, product, row, worker);
        emitted.multiply(
            weight,
            from,
            to,
            team.scratch().segment(worker),
            roundedAt[worker],
            y.segment(),
            y.at() + row * weight.rows());
      }
    } else {
      several.multiply(
          weight,
          from,
          to,
          rows,
          team.packed().segment(0),
          y.segment(),
          y.at(),
          team.scratch().segment(worker));
    }
    if (product.bias() != null) {
      float[] sums = y.floats();
      for (int row = 0; row < rows; row++) {
        int yAt = y.at() + row * weight.rows();
        team.elements().add(sums, yAt + from, product.bias(), from, sums, yAt + from, to - from);
      }
    }
  }

  /** Rounds a row for a thread unless it is what the thread has rounded last in this run. */
  private void round(RowLoops emitted, Product product, int row, int worker) {
    Product last = rounded[worker];
    boolean known =
        rows == 1
            && last != null
            && last.emitted() == emitted
            && last.weight().dtype() == product.weight().dtype();
    if (!known) {
      int columns = columns();
      roundedAt[worker] =
          emitted.round(
              product.weight(),
              x.segment(),
              x.at() + row * columns,
              team.scratch().segment(worker));
      rounded[worker] = product;
    }
  }
}
