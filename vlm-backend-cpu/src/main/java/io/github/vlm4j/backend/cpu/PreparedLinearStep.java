package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Linear layers of one and the same many inputs, which are laid out once for products that read
 * them so, and rounded for those that compute with coarser numbers. All layers are one run of
 * parts, so that threads meet once for all of them and a slow core takes fewer.
 */
final class PreparedLinearStep implements Step, Workers.Task {

  /** With fewer, blocks of the inner dimension are mostly padding, and errors do not even out. */
  private static final int LEAST_COLUMNS = 32;

  /** One layer: its parameters and where its results go. */
  private record Layer(Matrix weight, float @Nullable [] bias, Span y) {}

  private final Team team;
  private final PreparedLoops loops;
  private final Span x;
  private final @Nullable Elements elements;
  private final boolean kept;
  private final int rows;
  private final List<Layer> layers;
  private final PrepareStep prepare;
  private final List<RunMatMulStep> products;
  private final int parts;

  private PreparedLinearStep(
      Team team,
      PreparedLoops loops,
      Span x,
      @Nullable Elements elements,
      boolean kept,
      int rows,
      List<Layer> layers) {
    int columns = layers.getFirst().weight().columns();
    this.team = team;
    this.loops = loops;
    this.x = x;
    this.elements = elements;
    this.kept = kept;
    this.rows = rows;
    this.layers = layers;
    Runs inputs = loops.preparedRuns(rows, columns);
    this.prepare = new PrepareStep(team, loops, x, elements, kept, inputs);
    this.products = layers.stream().map(layer -> product(layer, inputs)).toList();
    this.parts = products.stream().mapToInt(RunMatMulStep::parts).sum();
  }

  private RunMatMulStep product(Layer layer, Runs inputs) {
    Scratch prepared = team.packed();
    return new RunMatMulStep(
        team,
        loops,
        () -> prepared.array(0),
        prepare::preparedAt,
        inputs,
        layer.weight(),
        layer.bias(),
        layer.y()::floats,
        layer.y()::at);
  }

  /** Returns the loops for a linear layer of so many rows of inputs, or null if there are none. */
  static @Nullable PreparedLoops loops(Team team, Matrix weight, int rows) {
    RoundedLoops rounded = rounded(team, weight, rows);
    return rounded == null ? suiting(team.prepared(), weight, rows) : rounded;
  }

  /** Returns the loops that round the inputs of such a layer, or null if there are none. */
  static @Nullable RoundedLoops rounded(Team team, Matrix weight, int rows) {
    return team.emitted() == null
        ? null
        : suiting(team.emitted().rounded(weight.dtype()), weight, rows);
  }

  private static <L extends PreparedLoops> @Nullable L suiting(
      @Nullable L loops, Matrix weight, int rows) {
    return loops == null
            || weight.columns() < LEAST_COLUMNS
            || rows < loops.leastInputs(weight.dtype())
        ? null
        : loops;
  }

  /** Lowers a linear layer to preparing its inputs, then multiplying. */
  static PreparedLinearStep of(
      Team team,
      PreparedLoops loops,
      Span x,
      Matrix weight,
      float @Nullable [] bias,
      Span y,
      int rows) {
    return new PreparedLinearStep(
        team, loops, x, null, true, rows, List.of(new Layer(weight, bias, y)));
  }

  /**
   * Returns this step for inputs that are computed as they are prepared, or null if these are not.
   *
   * @param alone whether nobody else reads them
   */
  @Nullable PreparedLinearStep reading(Elements computed, boolean alone) {
    int columns = layers.getFirst().weight().columns();
    // All inputs are prepared before the first result is written.
    return elements == null && x.equals(computed.result()) && columns % computed.unit() == 0
        ? new PreparedLinearStep(team, loops, x, computed, !alone, rows, layers)
        : null;
  }

  /** Returns one step of this and what follows, if both read the same input and write apart. */
  @Nullable PreparedLinearStep with(PreparedLinearStep next) {
    boolean same = loops == next.loops && rows == next.rows && x.equals(next.x);
    return same
            && kept
            && next.elements == null
            && next.layers.stream().map(Layer::y).noneMatch(this::uses)
        ? new PreparedLinearStep(
            team,
            loops,
            x,
            elements,
            kept,
            rows,
            Stream.concat(layers.stream(), next.layers.stream()).toList())
        : null;
  }

  private boolean uses(Span span) {
    return x.meets(span) || layers.stream().map(Layer::y).anyMatch(span::meets);
  }

  @Override
  public void run() {
    prepare.run();
    for (RunMatMulStep product : products) {
      product.begin();
    }
    team.workers().run(parts, this);
  }

  /**
   * Parts are taken in order, so that no thread comes back to a layer whose weights it has left.
   */
  @Override
  public void run(int part, int worker) {
    int left = part;
    int product = 0;
    while (left >= products.get(product).parts()) {
      left -= products.get(product).parts();
      product++;
    }
    products.get(product).run(left, worker);
  }
}
