package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.backend.tornado.device.kernels.AttentionKernels;
import io.github.vlm4j.backend.tornado.device.kernels.CacheKernels;
import io.github.vlm4j.backend.tornado.device.kernels.ElementKernels;
import io.github.vlm4j.backend.tornado.device.kernels.TiledKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntSupplier;

/** Turns a graph into launches of kernels over the heaps. */
final class Lowering {

  /** The numbers that a mixture of experts may hold between its two kernels. */
  private static final int MOST_INNER_NUMBERS = 1 << 22;

  /** The weights that are made f32 at once for products of many rows. */
  private static final int MOST_DECODED = 1 << 23;

  private final DeviceMemory memory;
  private final LinearShapes shapes;
  private final PowersOfTwo powers;
  private final MemoryPlan plan;
  private final Leaves leaves;
  private final Region arena;
  private final Map<Value, Place> places = new HashMap<>();
  private final List<Launch> launches = new ArrayList<>();
  private final List<Runnable> checks = new ArrayList<>();
  private int decodedNumbers;
  private int decodedAt;

  private Lowering(
      DeviceMemory memory,
      LinearShapes shapes,
      PowersOfTwo powers,
      WeightStore store,
      Graph graph,
      WeightSource weights) {
    this.memory = memory;
    this.shapes = shapes;
    this.powers = powers;
    this.plan = MemoryPlan.of(graph);
    this.leaves = new Leaves(memory, store, weights, graph);
    this.arena = leaves.take(HeapKind.FLOATS, plan.floats(), "The activations of this graph");
  }

  /** Compiles a graph. The caller holds the monitor of the memory. */
  static TornadoExecutable compile(
      DeviceMemory memory,
      LinearShapes shapes,
      PowersOfTwo powers,
      WeightStore store,
      Graph graph,
      WeightSource weights) {
    Lowering lowering = new Lowering(memory, shapes, powers, store, graph, weights);
    try {
      return lowering.compile(graph);
    } catch (RuntimeException e) {
      lowering.leaves.regions().forEach(memory::release);
      throw e;
    }
  }

  private TornadoExecutable compile(Graph graph) {
    for (Value value : graph.values()) {
      if (!MemoryPlan.isLeaf(value) && value.shape().elements() > 0) {
        lower(value);
      }
    }
    Map<String, TornadoExecutable.Output> outputs = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach((name, value) ->
            outputs.put(name, new TornadoExecutable.Output(value, outputPlace(value))));
    leaves.sendNumbers();
    if (decodedNumbers > 0) {
      decodedAt = leaves.take(HeapKind.FLOATS, decodedNumbers, "Weights made f32").at();
    }
    return new TornadoExecutable(memory, leaves, launches, checks, outputs);
  }

  private Place outputPlace(Value output) {
    if (!plan.isCopied(output)) {
      return place(output);
    }
    Place to = Place.at(arena.at() + Math.toIntExact(plan.copyAt(output)));
    copy(output, place(output), to, elements(output));
    return to;
  }

  private void lower(Value y) {
    switch (y.op()) {
      case Op.Input op -> {}
      case Op.State op -> {}
      case Op.Parameter op -> {}
      case Op.Constant op -> {}
      case Op.Rows op -> {}
      case Op.Reshape op -> {}
      case Op.Linear op -> linear(y);
      case Op.Convolve op -> convolve(y, op);
      case Op.AveragePool op -> averagePool(y, op);
      case Op.Add op -> pairwise(y, ElementKernels.ADD, 0);
      case Op.Multiply op -> pairwise(y, ElementKernels.MULTIPLY, 0);
      case Op.Gate op -> pairwise(y, ElementKernels.GATE, op.activation().ordinal());
      case Op.Activate op ->
          add(
              y,
              Kernel.ACTIVATE,
              elements(y),
              place(y, 0),
              place(y),
              fixed(op.activation().ordinal()));
      case Op.Route op ->
          add(
              y,
              Kernel.ROUTE,
              extent(y, 0),
              place(y, 0),
              place(y),
              fixed(extent(y, 1)),
              fixed(op.chosen()),
              fixed(op.normalised() ? 1 : 0));
      case Op.Experts op -> experts(y, op);
      case Op.RmsNorm op ->
          addGroups(
              y,
              Kernel.RMS_NORM,
              rows(y),
              place(y, 0),
              place(y, 1),
              place(y),
              fixed((int) y.shape().last()),
              leaves.number(op.eps()));
      case Op.LayerNorm op ->
          addGroups(
              y,
              Kernel.LAYER_NORM,
              rows(y),
              place(y, 0),
              place(y, 1),
              place(y),
              fixed((int) y.shape().last()),
              leaves.number(op.eps()),
              place(y, 2));
      case Op.Rope op -> rope(y, op);
      case Op.Attention op -> attention(y, op);
      case Op.AttentionWeights op -> attentionWeights(y, op);
      case Op.CachedAttention op -> cachedAttention(y, op);
      case Op.Append op -> append(y);
      case Op.Concat op -> concat(y);
      case Op.Gather op -> gather(y);
      case Op.WeightedGather op -> weightedGather(y);
      case Op.Scatter op -> scatter(y, op);
    }
  }

  private void linear(Value y) {
    StoredMatrix weight = leaves.matrix(operand(y, 1));
    int rows = rows(y);
    switch (shapes.of(rows)) {
      case THREAD -> linearByThread(y, weight);
      case GROUP -> linearByGroup(y, weight, rows);
      case TILES -> linearByTiles(y, weight, rows);
    }
  }

  private void linearByThread(Value y, StoredMatrix weight) {
    Kernel kernel =
        switch (weight.format()) {
          case FLOATS -> Kernel.LINEAR_FLOATS;
          case HALVES -> Kernel.LINEAR_HALVES;
          case BLOCKS -> Kernel.LINEAR_BLOCKS;
        };
    add(y, kernel, elements(y), linearParameters(y, weight));
  }

  private void linearByGroup(Value y, StoredMatrix weight, int rows) {
    Kernel kernel =
        switch (weight.format()) {
          case FLOATS -> Kernel.ROW_FLOATS;
          case HALVES -> Kernel.ROW_HALVES;
          case BLOCKS -> Kernel.ROW_BLOCKS;
        };
    int out = extent(operand(y, 1), 0);
    addGroups(y, kernel, rows * out, linearParameters(y, weight));
  }

  private IntSupplier[] linearParameters(Value y, StoredMatrix weight) {
    Shape shape = operand(y, 1).shape();
    return new IntSupplier[] {
      place(y, 0),
      place(y),
      bias(y),
      fixed((int) shape.dim(0)),
      fixed((int) shape.dim(1)),
      fixed(weight.at()),
      fixed(weight.first()),
      fixed(weight.second()),
      fixed(weight.third())
    };
  }

  /** Makes some rows of the weight f32, multiplies with them, and goes on with the next. */
  private void linearByTiles(Value y, StoredMatrix weight, int rows) {
    int out = extent(operand(y, 1), 0);
    int in = extent(operand(y, 1), 1);
    boolean floats = weight.format() == Format.FLOATS;
    int atOnce = floats || in == 0 ? out : Math.min(out, Math.max(1, MOST_DECODED / in));
    for (int from = 0; from < out; from += atOnce) {
      int columns = Math.min(atOnce, out - from);
      IntSupplier decoded =
          floats ? fixed(weight.at()) : decode(y, weight.from((long) from * in), columns * in);
      addGroups(
          y,
          Kernel.MULTIPLY_TILES,
          Math.ceilDiv(rows, TiledKernels.TILE) * Math.ceilDiv(columns, TiledKernels.TILE),
          place(y, 0),
          place(y).plus(from),
          y.operands().size() > 2 ? place(y, 2).plus(from) : fixed(-1),
          fixed(columns),
          fixed(in),
          decoded,
          fixed(rows),
          fixed(out));
    }
  }

  /** Adds a launch that makes weights f32 in a place that the next weights are put to as well. */
  private IntSupplier decode(Value y, StoredMatrix weight, int count) {
    decodedNumbers = Math.max(decodedNumbers, count);
    if (weight.format() == Format.HALVES) {
      add(
          y,
          Kernel.DECODE_HALVES,
          count,
          fixed(weight.at()),
          this::decodedAt,
          fixed(weight.first()),
          fixed(weight.second()));
    } else {
      add(
          y,
          Kernel.DECODE_BLOCKS,
          count,
          fixed(weight.at()),
          this::decodedAt,
          fixed(weight.first()),
          fixed(weight.second()),
          fixed(weight.third()));
    }
    return this::decodedAt;
  }

  private int decodedAt() {
    return decodedAt;
  }

  private IntSupplier bias(Value y) {
    return y.operands().size() > 2 ? place(y, 2) : fixed(-1);
  }

  private void convolve(Value y, Op.Convolve op) {
    Shape picture = operand(y, 0).shape();
    Shape window = operand(y, 1).shape();
    add(
        y,
        Kernel.CONVOLVE,
        elements(y),
        place(y, 0),
        place(y),
        bias(y),
        fixed(leaves.decoded(operand(y, 1)).at()),
        fixed((int) picture.dim(1)),
        fixed((int) picture.dim(2)),
        fixed((int) picture.dim(3)),
        fixed(extent(y, 1)),
        fixed(extent(y, 2)),
        fixed(extent(y, 3)),
        fixed((int) window.dim(1)),
        fixed((int) window.dim(2)),
        fixed(op.stride()),
        fixed(op.padding()));
  }

  private void averagePool(Value y, Op.AveragePool op) {
    Shape picture = operand(y, 0).shape();
    add(
        y,
        Kernel.AVERAGE_POOL,
        elements(y),
        place(y, 0),
        place(y),
        fixed((int) picture.dim(1)),
        fixed((int) picture.dim(2)),
        fixed((int) picture.dim(3)),
        fixed(extent(y, 1)),
        fixed(extent(y, 2)),
        fixed(op.height()),
        fixed(op.width()));
  }

  private void pairwise(Value y, int what, int activation) {
    add(
        y,
        Kernel.PAIRWISE,
        elements(y),
        place(y, 0),
        place(y, 1),
        fixed(elements(operand(y, 1))),
        place(y),
        fixed(what),
        fixed(activation));
  }

  private void rope(Value y, Op.Rope op) {
    int pairs = extent(operand(y, 1), 1);
    int headDim = extent(y, 2);
    add(
        y,
        Kernel.ROPE,
        elements(y) / headDim * (headDim - pairs),
        place(y, 0),
        place(y, 1),
        place(y, 2),
        place(y),
        fixed(extent(y, 1)),
        fixed(headDim),
        fixed(pairs),
        fixed(op.pairing() == RopePairing.INTERLEAVED ? 1 : 0));
  }

  private void attention(Value y, Op.Attention op) {
    Value k = operand(y, 1);
    Value v = operand(y, 2);
    requireDimensions(y);
    addGroups(
        y,
        Kernel.ATTENTION,
        extent(y, 0) * extent(y, 1),
        place(y, 0),
        place(y, 1),
        place(y, 2),
        place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 1)),
        fixed(extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(k, 2)),
        fixed(extent(v, 1) * extent(v, 2)),
        fixed(extent(v, 2)),
        leaves.number(op.scale()),
        fixed(leaves.table(keys(op.causal(), op.segments(), op.keySegments()))),
        fixed(0),
        fixed(0));
  }

  private void attentionWeights(Value y, Op.AttentionWeights op) {
    Value k = operand(y, 1);
    int heads = extent(y, 0);
    addGroups(
        y,
        Kernel.ATTENTION_WEIGHTS,
        heads * extent(y, 1),
        place(y, 0),
        place(y, 1),
        fixed(0),
        place(y),
        fixed(heads),
        fixed(extent(k, 1)),
        fixed(extent(k, 2)),
        fixed(0),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(k, 2)),
        fixed(0),
        fixed(0),
        leaves.number(op.scale()),
        fixed(leaves.table(keys(op.causal(), op.segments(), op.keySegments()))),
        fixed(extent(y, 1)),
        fixed(extent(y, 2)));
  }

  /** Returns for each row the first key that it sees, and one past the last. */
  private static int[] keys(boolean causal, List<Integer> segments, List<Integer> keySegments) {
    int rows = segments.stream().mapToInt(Integer::intValue).sum();
    int[] keys = new int[2 * rows];
    int row = 0;
    int first = 0;
    for (int i = 0; i < segments.size(); i++) {
      int end = first + keySegments.get(i);
      for (int j = 0; j < segments.get(i); j++) {
        keys[2 * row] = first;
        keys[2 * row + 1] = causal ? row + 1 : end;
        row++;
      }
      first = end;
    }
    return keys;
  }

  private void cachedAttention(Value y, Op.CachedAttention op) {
    Value k = operand(y, 1);
    Value v = operand(y, 2);
    requireDimensions(y);
    HostInts position = leaves.ints(operand(y, 3));
    checks.add(() -> position.requireRoom(extent(y, 0), extent(k, 1), where(y)));
    if (k.dtype() != DType.F32) {
      storedAttention(y, op, position);
      return;
    }
    addGroups(
        y,
        Kernel.ATTENTION,
        extent(y, 0) * extent(y, 1),
        place(y, 0),
        place(y, 1),
        place(y, 2),
        place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 0)),
        fixed(extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(k, 2)),
        fixed(extent(k, 1) * extent(k, 2)),
        fixed(extent(v, 2)),
        fixed(extent(v, 1) * extent(v, 2)),
        leaves.number(op.scale()),
        fixed(-1),
        () -> position.array()[position.at()],
        fixed(op.window()));
  }

  private void storedAttention(Value y, Op.CachedAttention op, HostInts position) {
    Value k = operand(y, 1);
    State keys = state(k);
    State values = state(operand(y, 2));
    addGroups(
        y,
        Kernel.ATTENTION_STORED,
        extent(y, 0) * extent(y, 1),
        place(y, 0),
        keys::at,
        values::at,
        place(y),
        fixed(extent(y, 1)),
        fixed(extent(k, 0)),
        fixed(extent(k, 2)),
        fixed(extent(y, 2)),
        fixed(extent(k, 1)),
        leaves.number(op.scale()),
        () -> position.array()[position.at()],
        fixed(op.window()),
        keys::scalesAt,
        values::scalesAt,
        fixed(powers.at(k.dtype())),
        fixed(PowersOfTwo.mantissas(k.dtype())));
  }

  private State state(Value value) {
    if (MemoryPlan.root(value).op() instanceof Op.State(String name)) {
      return Objects.requireNonNull(leaves.states().get(name));
    }
    throw new IllegalStateException(value + " is not a state");
  }

  private static void requireDimensions(Value y) {
    if (y.shape().last() > AttentionKernels.MOST_DIMENSIONS) {
      throw new BackendException(
          where(y)
              + ": the tornado backend takes values of at most "
              + AttentionKernels.MOST_DIMENSIONS
              + " numbers for each head, not "
              + y.shape()
              + ".");
    }
  }

  private void append(Value y) {
    Value rows = operand(y, 1);
    HostInts position = leaves.ints(operand(y, 2));
    checks.add(() -> position.requireRoom(extent(rows, 0), extent(y, 1), where(y)));
    boolean blocks = y.dtype() == DType.Q8_0;
    boolean floats = y.dtype() == DType.F32;
    add(
        y,
        floats ? Kernel.APPEND : blocks ? Kernel.APPEND_BLOCKS : Kernel.APPEND_HALVES,
        blocks ? elements(rows) / CacheKernels.BLOCK : elements(rows),
        place(y, 1),
        floats ? place(y) : state(y)::at,
        fixed(extent(y, 0)),
        fixed(extent(y, 2)),
        fixed(extent(y, 1)),
        () -> position.array()[position.at()],
        fixed(powers.at(DType.BF16)),
        blocks ? state(y)::scalesAt : fixed(PowersOfTwo.mantissas(y.dtype())),
        fixed(powers.at(DType.F16)),
        fixed(CacheKernels.BLOCK));
  }

  private void concat(Value y) {
    Place to = place(y);
    for (Value part : y.operands()) {
      copy(y, place(part), to, elements(part));
      to = to.plus(elements(part));
    }
  }

  private void gather(Value y) {
    Value table = operand(y, 0);
    HostInts ids = ids(y);
    boolean stored = MemoryPlan.root(table).op() instanceof Op.Parameter;
    StoredMatrix rows = stored ? leaves.matrix(table) : new StoredMatrix(Format.FLOATS, 0, 0, 0, 0);
    Kernel kernel =
        switch (rows.format()) {
          case FLOATS -> Kernel.GATHER_FLOATS;
          case HALVES -> Kernel.GATHER_HALVES;
          case BLOCKS -> Kernel.GATHER_BLOCKS;
        };
    add(
        y,
        kernel,
        elements(y),
        fixed(ids.device()),
        place(y),
        fixed(elements(y) / ids.count()),
        stored ? fixed(rows.at()) : place(table),
        fixed(rows.first()),
        fixed(rows.second()),
        fixed(rows.third()));
  }

  private void weightedGather(Value y) {
    HostInts ids = ids(y);
    add(
        y,
        Kernel.GATHER_WEIGHTED,
        elements(y),
        fixed(ids.device()),
        place(y),
        fixed(extent(y, 1)),
        place(y, 0),
        place(y, 2),
        fixed(extent(operand(y, 1), 1)));
  }

  private void scatter(Value y, Op.Scatter op) {
    HostInts ids = ids(y);
    if (!place(y, 0).equals(place(y))) {
      copy(y, place(y, 0), place(y), elements(y));
    }
    int count = elements(operand(y, 2));
    if (count > 0) {
      add(
          y,
          Kernel.SCATTER,
          count,
          fixed(ids.device()),
          place(y, 2),
          fixed(count / ids.count()),
          place(y),
          fixed(op.mode() == ScatterMode.ADD ? 1 : 0));
    }
  }

  private void experts(Value y, Op.Experts op) {
    int experts = extent(operand(y, 1), 1);
    int hidden = extent(y, 1);
    List<Value> weights = y.operands().subList(2, y.operands().size());
    Value down = weights.getLast();
    int inner = (int) (down.shape().elements() / hidden);
    List<StoredMatrix> matrices = expertMatrices(weights, op.transposed(), inner, hidden);
    int[] table = new int[3 * matrices.size()];
    for (int i = 0; i < matrices.size(); i++) {
      table[3 * i] = matrices.get(i).at();
      table[3 * i + 1] = matrices.get(i).first();
      table[3 * i + 2] = matrices.get(i).second();
    }
    StoredMatrix any = matrices.getFirst();
    int atOnce = Math.max(1, MOST_INNER_NUMBERS / (experts * inner));
    int rows = extent(y, 0);
    Region between =
        leaves.take(
            HeapKind.FLOATS,
            (long) Math.min(rows, atOnce) * experts * inner,
            "A mixture of experts");
    IntSupplier tableAt = fixed(leaves.table(table));
    IntSupplier third = fixed(any.format() == Format.BLOCKS ? any.third() : any.first());
    for (int row = 0; row < rows; row += atOnce) {
      int part = Math.min(atOnce, rows - row);
      add(
          y,
          switch (any.format()) {
            case FLOATS -> Kernel.HIDDEN_FLOATS;
            case HALVES -> Kernel.HIDDEN_HALVES;
            case BLOCKS -> Kernel.HIDDEN_BLOCKS;
          },
          part * experts * inner,
          place(y, 0).plus((long) row * hidden),
          place(y, 1).plus((long) row * experts),
          tableAt,
          fixed(between.at()),
          fixed(experts),
          fixed(inner),
          fixed(hidden),
          fixed(op.activation().ordinal()),
          third,
          fixed(any.second()));
      add(
          y,
          switch (any.format()) {
            case FLOATS -> Kernel.MIX_FLOATS;
            case HALVES -> Kernel.MIX_HALVES;
            case BLOCKS -> Kernel.MIX_BLOCKS;
          },
          part * hidden,
          fixed(between.at()),
          place(y, 1).plus((long) row * experts),
          tableAt,
          place(y).plus((long) row * hidden),
          fixed(experts),
          fixed(inner),
          fixed(hidden),
          fixed(0),
          third,
          fixed(any.second()));
    }
  }

  /** Returns gate, up and down of each expert, all in one format and with a row for each output. */
  private List<StoredMatrix> expertMatrices(
      List<Value> weights, boolean transposed, int inner, int hidden) {
    DType type = weights.getFirst().dtype();
    boolean asFloats =
        weights.stream().anyMatch(weight -> weight.dtype() != type)
            || transposed && type.isQuantised();
    if (!transposed) {
      return weights.stream()
          .map(weight -> asFloats ? leaves.decoded(weight) : leaves.matrix(weight))
          .toList();
    }
    List<StoredMatrix> matrices = new ArrayList<>();
    for (int i = 0; i < weights.size(); i += 2) {
      StoredMatrix gateUp = leaves.transposed(weights.get(i), asFloats);
      matrices.add(gateUp);
      matrices.add(gateUp.from((long) inner * hidden));
      matrices.add(leaves.transposed(weights.get(i + 1), asFloats));
    }
    return matrices;
  }

  private HostInts ids(Value y) {
    HostInts ids = leaves.ints(operand(y, 1));
    long rows = operand(y, 0).shape().dim(0);
    checks.add(() -> ids.requireRows(rows, where(y)));
    return ids;
  }

  private void copy(Value y, Place from, Place to, int count) {
    if (count > 0) {
      add(y, Kernel.COPY_RUNS, count, from, to, fixed(count), fixed(0), fixed(0));
    }
  }

  private void add(Value y, Kernel kernel, int threads, IntSupplier... parameters) {
    launches.add(new Launch(y, kernel, threads, false, parameters));
  }

  private void addGroups(Value y, Kernel kernel, int groups, IntSupplier... parameters) {
    launches.add(new Launch(y, kernel, groups, true, parameters));
  }

  private static IntSupplier fixed(int value) {
    return Place.at(value);
  }

  private static String where(Value y) {
    return (y.layer().isEmpty() ? "graph" : y.layer()) + ": " + y.op().label();
  }

  private static int rows(Value y) {
    return (int) y.shape().rows();
  }

  private static int extent(Value value, int axis) {
    return Math.toIntExact(value.shape().dim(axis));
  }

  private static int elements(Value value) {
    return Math.toIntExact(value.shape().elements());
  }

  private static Value operand(Value y, int index) {
    return y.operands().get(index);
  }

  private Place place(Value y, int operand) {
    return place(operand(y, operand));
  }

  private Place place(Value value) {
    return places.computeIfAbsent(
        value,
        v ->
            MemoryPlan.isLeaf(MemoryPlan.root(v))
                ? leaves.floats(v)
                : Place.at(arena.at() + Math.toIntExact(plan.at(v))));
  }
}
