package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.kernel.Matrix;
import io.github.vlm4j.backend.cpu.kernel.Patches;
import io.github.vlm4j.backend.cpu.kernel.PreparedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedLines;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.backend.cpu.kernel.RoundedWinograd;
import io.github.vlm4j.backend.cpu.kernel.Runs;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns a graph into steps over planned memory. */
final class Lowering {

  /**
   * Up to this many input rows a matrix product is done row by row: panels would be mostly padding.
   * Measured with 256-bit vectors at the shapes of a 2B model, the two meet at 8 to 12 rows.
   */
  static final int MOST_MAT_VEC_ROWS = 8;

  private final Team team;
  private final MemoryPlan plan;
  private final Leaves leaves;
  private final Memory arena;

  /** Where planned memory begins in the arena. */
  private final int arenaAt;

  private final Map<Value, Span> spans = new HashMap<>();
  private final List<Timed> steps = new ArrayList<>();

  /** How many operations read a value or a view of it, and outputs that are one. */
  private final Map<Value, Integer> readers = new HashMap<>();

  private Lowering(Team team, Graph graph, WeightSource weights) {
    this.plan = MemoryPlan.of(graph);
    this.leaves = new Leaves(weights);
    this.team = ShortPrompt.team(team, graph, leaves);
    EmittedKernels emitted = team.emitted();
    long floats = plan.floats() + (emitted == null ? 0 : EmittedKernels.MOST_SKIPPED);
    this.arena = new Memory(Memory.allocate(floats, "The activations of this graph"));
    this.arenaAt = emitted == null ? 0 : emitted.firstLine(arena.floats());
  }

  /** Compiles a graph for a backend. */
  static CpuExecutable compile(CpuBackend backend, Team team, Graph graph, WeightSource weights) {
    return new Lowering(team, graph, weights).compile(backend, graph);
  }

  private CpuExecutable compile(CpuBackend backend, Graph graph) {
    countReaders(graph);
    for (Value value : graph.values()) {
      if (MemoryPlan.isLeaf(value)) {
        leaves.declare(value);
      } else {
        Step step = lower(value);
        if (step != null) {
          add(step, value);
        }
      }
    }
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    Map<Value, Span> copied = new HashMap<>();
    graph
        .outputs()
        .forEach((name, value) -> outputs.put(name, view(value, outputSpan(value, copied))));
    team.scratch().allocate();
    team.packed().allocate();
    long bytes =
        arena.floats().length * (long) Float.BYTES
            + leaves.inputBytes()
            + team.scratch().bytes()
            + team.packed().bytes();
    return new CpuExecutable(backend, steps, leaves.inputs(), leaves.states(), outputs, bytes);
  }

  private void countReaders(Graph graph) {
    Stream<Value> read =
        graph.values().stream()
            .filter(value -> !(value.op() instanceof Op.Rows || value.op() instanceof Op.Reshape))
            .flatMap(value -> value.operands().stream());
    Stream.concat(read, graph.outputs().values().stream())
        .forEach(value -> readers.merge(MemoryPlan.root(value), 1, Integer::sum));
  }

  /**
   * Adds a step, or makes one with the step before of it: linear layers of one input, the gated
   * product of the last two, and what is computed element by element with what comes before or
   * after. Between them no other operation runs, so nothing that they read is written over.
   */
  private void add(Step step, Value result) {
    Timed added = new Timed(step, List.of(result));
    Step both = steps.isEmpty() ? null : both(steps.getLast(), step);
    steps.add(both == null ? added : steps.removeLast().with(added, both));
  }

  private @Nullable Step both(Timed before, Step following) {
    Step both = both(before.step(), following);
    boolean alone = readers.getOrDefault(MemoryPlan.root(before.results().getLast()), 0) == 1;
    return both == null ? reading(before.step(), following, alone) : both;
  }

  /**
   * Returns a step that computes what it reads as it reads it, or null.
   *
   * @param alone whether only that step reads it
   */
  private static @Nullable Step reading(Step step, Step following, boolean alone) {
    Elements elements =
        switch (step) {
          case ActivateStep activate -> activate;
          case NormStep norm -> norm;
          case PairwiseStep pairwise -> pairwise.elements();
          default -> null;
        };
    if (elements == null) {
      return null;
    }
    return switch (following) {
      case PreparedLinearStep layers -> layers.reading(elements, alone);
      case RoundedConvolveStep convolve when alone -> convolve.reading(elements);
      default -> null;
    };
  }

  private static @Nullable Step both(Step step, Step following) {
    return switch (step) {
      case MatVecStep sweep when following instanceof MatVecStep next -> sweep.with(next);
      case MatVecStep sweep when following instanceof PairwiseStep next -> next.after(sweep);
      case PairwiseStep pairwise when following instanceof ActivateStep next -> pairwise.then(next);
      case PreparedLinearStep layers when following instanceof PreparedLinearStep next ->
          layers.with(next);
      default -> null;
    };
  }

  private Span outputSpan(Value output, Map<Value, Span> copied) {
    if (!plan.isCopied(output)) {
      return span(output);
    }
    return copied.computeIfAbsent(
        output,
        value -> {
          Span from = span(value);
          Span to = planned(plan.copyAt(value), from.length());
          add(new CopyStep(team, to, from), value);
          return to;
        });
  }

  private Span planned(long at, int length) {
    return new Span(arena, (int) (arenaAt + at), length);
  }

  private static Tensor view(Value output, Span span) {
    MemorySegment all = MemorySegment.ofArray(span.floats());
    MemorySegment part =
        all.asSlice((long) span.at() * Float.BYTES, (long) span.length() * Float.BYTES);
    return Tensor.of(output.dtype(), output.shape(), part);
  }

  private @Nullable Step lower(Value y) {
    return switch (y.op()) {
      case Op.Input op -> null;
      case Op.State op -> null;
      case Op.Parameter op -> null;
      case Op.Constant op -> null;
      case Op.Rows op -> null;
      case Op.Reshape op -> null;
      case Op.Linear op -> linear(y);
      case Op.Convolve op -> convolve(y, op);
      case Op.AveragePool op ->
          new AveragePoolStep(team, op, span(y, 0), span(y), operand(y, 0).shape(), y.shape());
      case Op.Add op -> PairwiseStep.add(team, span(y, 0), span(y, 1), span(y));
      case Op.Multiply op -> PairwiseStep.multiply(team, span(y, 0), span(y, 1), span(y));
      case Op.Activate op -> new ActivateStep(team, op.activation(), span(y, 0), span(y));
      case Op.Gate op -> PairwiseStep.gate(team, op.activation(), span(y, 0), span(y, 1), span(y));
      case Op.Route op -> new RouteStep(team, op, span(y, 0), span(y), rows(y, 0));
      case Op.Experts op -> experts(y, op);
      case Op.RmsNorm op ->
          NormStep.rms(team, span(y, 0), leaves.vector(operand(y, 1)), op.eps(), span(y));
      case Op.LayerNorm op ->
          NormStep.layer(
              team,
              span(y, 0),
              leaves.vector(operand(y, 1)),
              leaves.vector(operand(y, 2)),
              op.eps(),
              span(y));
      case Op.Rope op -> rope(y, op);
      case Op.Attention op ->
          new AttentionStep(
              team,
              op,
              span(y, 0),
              span(y, 1),
              span(y, 2),
              span(y),
              Heads.of(operand(y, 0), operand(y, 1), operand(y, 2)));
      case Op.AttentionWeights op ->
          new AttentionWeightsStep(
              team,
              op,
              span(y, 0),
              span(y, 1),
              span(y),
              Heads.of(operand(y, 0), operand(y, 1), operand(y, 1)));
      case Op.CachedAttention op -> cachedAttention(y, op);
      case Op.Append op ->
          new AppendStep(
              team.workers(),
              stateRows(operand(y, 0)),
              span(y, 1),
              position(y, operand(y, 0), operand(y, 2)),
              rows(y, 1),
              (int) y.shape().dim(0),
              (int) y.shape().dim(2));
      case Op.Concat op ->
          new CopyStep(team, span(y), y.operands().stream().map(this::span).toArray(Span[]::new));
      case Op.Gather op -> gather(y);
      case Op.WeightedGather op ->
          new WeightedGatherStep(
              team, leaves.matrix(operand(y, 0)), ids(y, 0, 1), span(y, 2), span(y), rows(y, 1));
      case Op.Scatter op ->
          new ScatterStep(team, op.mode(), span(y, 0), ids(y, 0, 1), span(y, 2), span(y));
    };
  }

  private Step linear(Value y) {
    var weight = leaves.matrix(operand(y, 1));
    float[] bias = y.operands().size() > 2 ? leaves.vector(operand(y, 2)) : null;
    int rows = (int) y.shape().rows();
    PreparedLoops prepared = PreparedLinearStep.loops(team, weight, rows);
    if (prepared != null) {
      return PreparedLinearStep.of(team, prepared, span(y, 0), weight, bias, span(y), rows);
    }
    if (rows >= team.runs().leastInputs(weight.dtype()) && weight.columns() > 0) {
      Span x = span(y, 0);
      Runs inputs = Runs.dense(rows, weight.columns(), team.runs().runTile());
      return product(x::floats, x::at, inputs, weight, bias, span(y));
    }
    return rows <= mostMatVecRows() || MatVecStep.isEmitted(team, weight, rows)
        ? new MatVecStep(team, span(y, 0), weight, bias, span(y), rows)
        : new MatMulStep(team, span(y, 0), weight, bias, span(y), rows);
  }

  private Step product(
      Supplier<float[]> x,
      IntSupplier xAt,
      Runs inputs,
      Matrix weight,
      float @Nullable [] bias,
      Span y) {
    return new RunMatMulStep(team, team.runs(), x, xAt, inputs, weight, bias, y::floats, y::at);
  }

  private int mostMatVecRows() {
    return Math.min(MOST_MAT_VEC_ROWS, team.kernels().inputTile());
  }

  private Step convolve(Value y, Op.Convolve op) {
    var kernel = leaves.matrix(operand(y, 1));
    float[] bias = y.operands().size() > 2 ? leaves.vector(operand(y, 2)) : null;
    Shape picture = operand(y, 0).shape();
    Shape window = operand(y, 1).shape();
    Patches patches =
        new Patches(
            (int) picture.dim(1),
            (int) picture.dim(2),
            (int) picture.dim(3),
            (int) window.dim(1),
            (int) window.dim(2),
            op.stride(),
            op.padding(),
            (int) y.shape().dim(1),
            (int) y.shape().dim(2));
    int rows = (int) y.shape().rows();
    int pictures = (int) picture.dim(0);
    RoundedLoops rounded = PreparedLinearStep.rounded(team, kernel, rows);
    RoundedLines rounding = rounded == null ? null : rounded.lines();
    if (rounded != null
        && rounding != null
        && RoundedConvolveStep.suit(rounding, patches, kernel)) {
      return new RoundedConvolveStep(
          team, rounded, rounding, patches, span(y, 0), null, kernel, bias, span(y), pictures);
    }
    RoundedWinograd winograd = rounded == null ? null : rounded.winograd();
    if (rounded != null && winograd != null && RoundedWinogradStep.suit(patches, kernel)) {
      return new RoundedWinogradStep(
          team, rounded, winograd, patches, span(y, 0), kernel, bias, span(y), pictures);
    }
    Step fewProducts = WinogradStep.of(team, patches, span(y, 0), kernel, bias, span(y), pictures);
    if (fewProducts != null) {
      return fewProducts;
    }
    return rows >= team.runs().leastInputs(kernel.dtype()) && kernel.columns() > 0
        ? convolveRuns(y, patches, kernel, bias)
        : new ConvolveStep(team, patches, span(y, 0), kernel, bias, span(y), rows);
  }

  private Step convolveRuns(Value y, Patches patches, Matrix kernel, float @Nullable [] bias) {
    Span x = span(y, 0);
    int pictures = (int) y.shape().dim(0);
    Runs inputs = patches.inPaddedPictures(pictures, team.runs().runTile());
    if (patches.padding() == 0) {
      return product(x::floats, x::at, inputs, kernel, bias, span(y));
    }
    Step pad = new PadStep(team, patches, x, pictures);
    Scratch padded = team.packed();
    Step multiply = product(() -> padded.array(0), () -> 0, inputs, kernel, bias, span(y));
    return () -> {
      pad.run();
      multiply.run();
    };
  }

  private Step experts(Value y, Op.Experts op) {
    int experts = (int) operand(y, 1).shape().dim(1);
    List<Matrix> weights = y.operands().stream().skip(2).map(leaves::matrix).toList();
    int each = weights.size() / experts;
    List<ExpertMatrices> matrices = new ArrayList<>();
    for (int i = 0; i < weights.size(); i += each) {
      List<Matrix> own = weights.subList(i, i + each);
      matrices.add(op.transposed() ? ExpertMatrices.transposed(own) : ExpertMatrices.of(own));
    }
    return new ExpertsStep(
        team,
        op,
        span(y, 0),
        span(y, 1),
        matrices,
        span(y),
        op.transposed()
            ? ExpertProducts.transposed(team.kernels(), team.runs())
            : ExpertProducts.of(team.kernels(), team.runs()),
        rows(y, 0));
  }

  private Step rope(Value y, Op.Rope op) {
    return new RopeStep(
        team,
        op.pairing(),
        span(y, 0),
        span(y, 1),
        span(y, 2),
        span(y),
        (int) y.shape().dim(0),
        (int) y.shape().dim(1),
        (int) y.shape().dim(2));
  }

  private Step cachedAttention(Value y, Op.CachedAttention op) {
    return new CachedAttentionStep(
        team,
        op,
        span(y, 0),
        stateRows(operand(y, 1)),
        stateRows(operand(y, 2)),
        position(y, operand(y, 1), operand(y, 3)),
        span(y),
        Heads.ofCached(operand(y, 0), operand(y, 1), operand(y, 2)),
        rows(y, 0));
  }

  private StateRows stateRows(Value state) {
    return leaves.stateRows(state, span(state));
  }

  private Step gather(Value y) {
    Value table = operand(y, 0);
    return MemoryPlan.root(table).op() instanceof Op.Parameter
        ? GatherStep.ofParameter(team, leaves.matrix(table), ids(y, 0, 1), span(y))
        : GatherStep.ofValue(team, span(table), ids(y, 0, 1), span(y));
  }

  private Position position(Value y, Value cache, Value position) {
    return new Position(leaves.ints(position), (int) cache.shape().dim(1), where(y));
  }

  private Ids ids(Value y, int table, int ids) {
    int rows = (int) Math.min(Integer.MAX_VALUE, operand(y, table).shape().dim(0));
    return new Ids(leaves.ints(operand(y, ids)), rows, where(y));
  }

  private static String where(Value y) {
    return (y.layer().isEmpty() ? "graph" : y.layer()) + ": " + y.op().label();
  }

  private static int rows(Value y, int operand) {
    return (int) operand(y, operand).shape().dim(0);
  }

  private static Value operand(Value y, int index) {
    return y.operands().get(index);
  }

  private Span span(Value y, int operand) {
    return span(operand(y, operand));
  }

  private Span span(Value value) {
    return spans.computeIfAbsent(
        value,
        v ->
            MemoryPlan.isLeaf(MemoryPlan.root(v))
                ? leaves.span(v)
                : planned(plan.at(v), (int) v.shape().elements()));
  }
}
