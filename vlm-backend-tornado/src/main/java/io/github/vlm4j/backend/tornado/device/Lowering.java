package io.github.vlm4j.backend.tornado.device;

import static io.github.vlm4j.backend.tornado.device.Program.elements;
import static io.github.vlm4j.backend.tornado.device.Program.extent;
import static io.github.vlm4j.backend.tornado.device.Program.fixed;
import static io.github.vlm4j.backend.tornado.device.Program.operand;
import static io.github.vlm4j.backend.tornado.device.Program.rows;

import io.github.vlm4j.backend.tornado.device.StoredMatrix.Format;
import io.github.vlm4j.backend.tornado.device.kernels.ElementKernels;
import io.github.vlm4j.core.backend.MemoryPlan;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a graph into launches of kernels over the heaps. */
final class Lowering {

  private final Program program;
  private final LinearLowering linear;
  private final AttentionLowering attention;
  private final ExpertLowering experts;

  private Lowering(
      Program program, LinearShapes shapes, @Nullable LibraryProduct product, PowersOfTwo powers) {
    this.program = program;
    this.linear = new LinearLowering(program, shapes, product);
    this.attention = new AttentionLowering(program, powers);
    this.experts = new ExpertLowering(program);
  }

  /** Compiles a graph. The caller holds the monitor of the memory. */
  static TornadoExecutable compile(
      DeviceMemory memory,
      LinearShapes shapes,
      PowersOfTwo powers,
      WeightStore store,
      Graph graph,
      WeightSource weights) {
    Leaves leaves = new Leaves(memory, store, weights);
    try {
      leaves.declare(graph);
      return new Lowering(
              new Program(leaves, graph, new Fusions(graph, shapes)),
              shapes,
              memory.product(),
              powers)
          .compile(memory, graph);
    } catch (RuntimeException e) {
      leaves.regions().forEach(memory::release);
      throw e;
    }
  }

  private TornadoExecutable compile(DeviceMemory memory, Graph graph) {
    for (Value value : graph.values()) {
      if (!MemoryPlan.isLeaf(value)
          && !program.fusions().isPart(value)
          && value.shape().elements() > 0) {
        lower(value);
      }
    }
    Map<String, TornadoExecutable.Output> outputs = new LinkedHashMap<>();
    graph
        .outputs()
        .forEach((name, value) ->
            outputs.put(name, new TornadoExecutable.Output(value, program.outputPlace(value))));
    program.leaves().sendNumbers();
    linear.takeMemory();
    return new TornadoExecutable(memory, program, outputs);
  }

  private void lower(Value y) {
    boolean withParts = program.fusions().hasParts(y);
    switch (y.op()) {
      case Op.Input op -> {}
      case Op.State op -> {}
      case Op.Parameter op -> {}
      case Op.Constant op -> {}
      case Op.Rows op -> {}
      case Op.Reshape op -> {}
      case Op.Linear op -> linear.add(y);
      case Op.Convolve op -> convolve(y, op);
      case Op.AveragePool op -> averagePool(y, op);
      case Op.Add op when withParts -> linear.addWithSum(y);
      case Op.Add op -> pairwise(y, ElementKernels.ADD, 0);
      case Op.Multiply op -> pairwise(y, ElementKernels.MULTIPLY, 0);
      case Op.Gate op when withParts -> linear.addGated(y, op.activation());
      case Op.Gate op -> pairwise(y, ElementKernels.GATE, op.activation().ordinal());
      case Op.Activate op ->
          program.add(
              y,
              Kernel.ACTIVATE,
              elements(y),
              program.place(y, 0),
              program.place(y),
              fixed(op.activation().ordinal()));
      case Op.Route op ->
          program.add(
              y,
              Kernel.ROUTE,
              extent(y, 0),
              program.place(y, 0),
              program.place(y),
              fixed(extent(y, 1)),
              fixed(op.chosen()),
              fixed(op.normalised() ? 1 : 0));
      case Op.Experts op -> experts.add(y, op);
      case Op.RmsNorm op ->
          program.addGroups(
              y,
              Kernel.RMS_NORM,
              rows(y),
              program.place(y, 0),
              program.place(y, 1),
              program.place(y),
              fixed((int) y.shape().last()),
              program.leaves().number(op.eps()),
              fixed(-1),
              program.place(y, 0));
      case Op.LayerNorm op ->
          program.addGroups(
              y,
              Kernel.LAYER_NORM,
              rows(y),
              program.place(y, 0),
              program.place(y, 1),
              program.place(y),
              fixed((int) y.shape().last()),
              program.leaves().number(op.eps()),
              fixed(-1),
              program.place(y, 0),
              program.place(y, 2));
      case Op.Rope op when withParts -> normAndRope(y, op);
      case Op.Rope op -> rope(y, op);
      case Op.Attention op -> attention.attention(y, op);
      case Op.AttentionWeights op -> attention.attentionWeights(y, op);
      case Op.CachedAttention op -> attention.cachedAttention(y, op);
      case Op.Append op -> attention.append(y);
      case Op.Concat op -> concat(y);
      case Op.Gather op -> gather(y);
      case Op.WeightedGather op -> weightedGather(y);
      case Op.Scatter op -> scatter(y, op);
    }
  }

  private void convolve(Value y, Op.Convolve op) {
    Shape picture = operand(y, 0).shape();
    Shape window = operand(y, 1).shape();
    program.add(
        y,
        Kernel.CONVOLVE,
        elements(y),
        program.place(y, 0),
        program.place(y),
        y.operands().size() > 2 ? program.place(y, 2) : fixed(-1),
        fixed(program.leaves().decoded(operand(y, 1)).at()),
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
    program.add(
        y,
        Kernel.AVERAGE_POOL,
        elements(y),
        program.place(y, 0),
        program.place(y),
        fixed((int) picture.dim(1)),
        fixed((int) picture.dim(2)),
        fixed((int) picture.dim(3)),
        fixed(extent(y, 1)),
        fixed(extent(y, 2)),
        fixed(op.height()),
        fixed(op.width()));
  }

  private void pairwise(Value y, int what, int activation) {
    program.add(
        y,
        Kernel.PAIRWISE,
        elements(y),
        program.place(y, 0),
        program.place(y, 1),
        fixed(elements(operand(y, 1))),
        program.place(y),
        fixed(what),
        fixed(activation));
  }

  private void rope(Value y, Op.Rope op) {
    int pairs = extent(operand(y, 1), 1);
    int headDim = extent(y, 2);
    program.add(
        y,
        Kernel.ROPE,
        elements(y) / headDim * (headDim - pairs),
        program.place(y, 0),
        program.place(y, 1),
        program.place(y, 2),
        program.place(y),
        fixed(extent(y, 1)),
        fixed(headDim),
        fixed(pairs),
        fixed(op.pairing() == RopePairing.INTERLEAVED ? 1 : 0));
  }

  private void normAndRope(Value y, Op.Rope op) {
    Value norm = operand(y, 0);
    int headDim = extent(y, 2);
    program.addGroups(
        y,
        Kernel.NORM_AND_ROPE,
        rows(y),
        program.place(norm, 0),
        program.place(norm, 1),
        program.place(y),
        fixed(headDim),
        program.leaves().number(((Op.RmsNorm) norm.op()).eps()),
        program.place(y, 1),
        program.place(y, 2),
        fixed(extent(y, 1)),
        fixed(extent(operand(y, 1), 1)),
        fixed(op.pairing() == RopePairing.INTERLEAVED ? 1 : 0));
  }

  private void concat(Value y) {
    Place to = program.place(y);
    for (Value part : y.operands()) {
      program.copy(y, program.place(part), to, elements(part));
      to = to.plus(elements(part));
    }
  }

  private void gather(Value y) {
    Value table = operand(y, 0);
    HostInts ids = program.ids(y);
    boolean stored = MemoryPlan.root(table).op() instanceof Op.Parameter;
    StoredMatrix rows =
        stored ? program.leaves().matrix(table) : new StoredMatrix(Format.FLOATS, 0, 0, 0, 0);
    Kernel kernel =
        switch (rows.format()) {
          case FLOATS -> Kernel.GATHER_FLOATS;
          case HALVES -> Kernel.GATHER_HALVES;
          case BLOCKS -> Kernel.GATHER_BLOCKS;
        };
    program.add(
        y,
        kernel,
        elements(y),
        fixed(ids.device()),
        program.place(y),
        fixed(elements(y) / ids.count()),
        stored ? fixed(rows.at()) : program.place(table),
        fixed(rows.first()),
        fixed(rows.second()),
        fixed(rows.third()));
  }

  private void weightedGather(Value y) {
    HostInts ids = program.ids(y);
    program.add(
        y,
        Kernel.GATHER_WEIGHTED,
        elements(y),
        fixed(ids.device()),
        program.place(y),
        fixed(extent(y, 1)),
        program.place(y, 0),
        program.place(y, 2),
        fixed(extent(operand(y, 1), 1)));
  }

  private void scatter(Value y, Op.Scatter op) {
    HostInts ids = program.ids(y);
    if (!program.place(y, 0).equals(program.place(y))) {
      program.copy(y, program.place(y, 0), program.place(y), elements(y));
    }
    int count = elements(operand(y, 2));
    if (count > 0) {
      program.add(
          y,
          Kernel.SCATTER,
          count,
          fixed(ids.device()),
          program.place(y, 2),
          fixed(count / ids.count()),
          program.place(y),
          fixed(op.mode() == ScatterMode.ADD ? 1 : 0));
    }
  }
}
