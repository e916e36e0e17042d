package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoAllocationTest {

  private static final int HIDDEN = 64;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD_DIM = 16;
  private static final int CAPACITY = 300;

  /** Vector kernels allocate until they are compiled, which takes some thousand calls. */
  private static final int MOST_BATCHES = 3000;

  private static final int RUNS = 20;

  private final RandomWeights weights = new RandomWeights(DType.BF16);

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 170})
  void aRunOfEveryOperationAllocatesNothing(int rows) {
    check(new ScalarKernels(), everyOperation(rows), 6);
  }

  @Test
  void aRunOfADecodingStepAllocatesNothingWithTheKernelsThatAreChosen() {
    check(KernelSelection.select(0), decodingStep(), MOST_BATCHES);
  }

  /**
   * Runs a graph in batches until one allocates nothing: what happens once, such as linking the
   * path on which a thread first waits or compiling a loop, may fall into any batch; what a run
   * allocates falls into all of them.
   */
  private void check(Kernels kernels, GraphBuilder g, int batches) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<Buffer> buffers = new ArrayList<>();
    Graph graph = g.build();
    try (weights;
        CpuBackend backend = new CpuBackend(kernels, 2);
        Executable executable = backend.compile(graph, weights)) {
      for (Value value : graph.values()) {
        if (value.op() instanceof Op.State(String name)) {
          buffers.add(backend.allocate(value.dtype(), value.shape()));
          executable.bind(name, buffers.getLast());
        }
      }
      executable.input("position").setInt(0, 120);
      executable.run();
      long helper =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("vlm-cpu-1"))
              .mapToLong(Thread::threadId)
              .max()
              .orElseThrow();
      long caller = Thread.currentThread().threadId();
      long leastByCaller = Long.MAX_VALUE;
      long leastByHelper = Long.MAX_VALUE;
      for (int batch = 0; batch < batches && leastByCaller + leastByHelper != 0; batch++) {
        long callerBefore = threads.getThreadAllocatedBytes(caller);
        long helperBefore = threads.getThreadAllocatedBytes(helper);
        for (int run = 0; run < RUNS; run++) {
          executable.run();
        }
        leastByHelper =
            Math.min(leastByHelper, threads.getThreadAllocatedBytes(helper) - helperBefore);
        leastByCaller =
            Math.min(leastByCaller, threads.getThreadAllocatedBytes(caller) - callerBefore);
      }
      assertThat(leastByCaller).as("bytes allocated by the caller").isZero();
      assertThat(leastByHelper).as("bytes allocated by the other thread").isZero();
    } finally {
      buffers.forEach(Buffer::close);
    }
  }

  /** A layer of a decoder with one row, over a cache of each type, one long enough to be split. */
  private GraphBuilder decodingStep() {
    GraphBuilder g = new GraphBuilder();
    Value position = g.input("position", DType.I32, 1);
    Value ids = g.input("ids", DType.I32, 1);
    Value x = g.embedding(weights.require("embed", Shape.of(50, HIDDEN)), ids);
    Value cos = g.input("cos", DType.F32, 1, HIDDEN / 4);
    Value sin = g.input("sin", DType.F32, 1, HIDDEN / 4);
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q8_0}) {
      GraphBuilder layer = g.at("layers." + dtype);
      Value normed =
          layer.rmsNorm(x, weights.require(dtype + "norm.weight", Shape.of(HIDDEN)), 1e-6f);
      Value q = row(layer, dtype + "q", normed, 4 * HIDDEN / 2).reshape(1, 4, HIDDEN / 2);
      Value k = row(layer, dtype + "k", normed, HIDDEN).reshape(1, 2, HIDDEN / 2);
      Value v = row(layer, dtype + "v", normed, HIDDEN).reshape(1, 2, HIDDEN / 2);
      q = layer.rope(q, cos, sin, RopePairing.HALVES);
      k = layer.rope(k, cos, sin, RopePairing.HALVES);
      Shape cache = Shape.of(2, CAPACITY, HIDDEN / 2);
      Value keys = layer.append(layer.state(dtype + "keys", dtype, cache), k, position);
      Value values = layer.append(layer.state(dtype + "values", dtype, cache), v, position);
      Value mixed = layer.cachedAttention(q, keys, values, position, 0.2f);
      x = x.plus(row(layer, dtype + "o", mixed.reshape(1, 2 * HIDDEN), HIDDEN));
      Value gate = row(layer, dtype + "gate", x, 3 * HIDDEN);
      Value up = row(layer, dtype + "up", x, 3 * HIDDEN);
      Value gated = layer.gate(Activation.SILU, gate, up);
      x = x.plus(row(layer, dtype + "down", gated, HIDDEN));
    }
    Value end = g.constant(Tensor.ofInts(new int[] {2500}, 1));
    Value state = g.state("long", Shape.of(2, 3000, HIDDEN / 2));
    Value q = row(g, "far.q", x, 4 * HIDDEN / 2).reshape(1, 4, HIDDEN / 2);
    g.output("far", g.cachedAttention(q, state, state, end, 0.2f));
    g.output("logits", row(g, "head", x, 50));
    return g;
  }

  private Value row(GraphBuilder g, String name, Value x, int outputs) {
    return g.linear(x, weights.require(name, Shape.of(outputs, x.shape().last())), null);
  }

  private GraphBuilder everyOperation(int rows) {
    GraphBuilder g = new GraphBuilder();
    Value position = g.input("position", DType.I32, 1);
    Value ids = g.input("ids", DType.I32, rows);
    Value x = g.embedding(weights.require("embed", Shape.of(50, HIDDEN)), ids);
    Value manyIds = g.input("manyIds", DType.I32, rows, 4);
    Value factors = g.input("factors", DType.F32, rows, 4);
    x = x.plus(g.weightedGather(weights.require("grid", Shape.of(9, HIDDEN)), manyIds, factors));
    Value some = g.input("some", DType.I32, 1);
    x = g.scatter(x, some, x.rows(0, 1), ScatterMode.ADD);
    Value normed = g.rmsNorm(x, weights.require("norm.weight", Shape.of(HIDDEN)), 1e-6f);
    Value q = heads(g, "q", normed, HEADS);
    Value k = heads(g, "k", normed, KV_HEADS);
    Value v = heads(g, "v", normed, KV_HEADS);
    Value cos = g.input("cos", DType.F32, rows, HEAD_DIM / 2);
    Value sin = g.input("sin", DType.F32, rows, HEAD_DIM / 2);
    q = g.rope(q, cos, sin, RopePairing.HALVES);
    k = g.rope(k, cos, sin, RopePairing.INTERLEAVED);
    Shape cache = Shape.of(KV_HEADS, CAPACITY, HEAD_DIM);
    Value keys = g.append(g.state("keys", cache), k, position);
    Value values = g.append(g.state("values", cache), v, position);
    Value cached = g.cachedAttention(q, keys, values, position, 0.25f).reshape(rows, HIDDEN);
    Value own = g.attention(q, k, v, 0.25f, false).reshape(rows, HIDDEN);
    x = x.plus(g.linear(cached, weights.require("o", Shape.of(HIDDEN, HIDDEN)), null)).plus(own);
    Value shift = g.parameter(weights.require("shift", Shape.of(HIDDEN)));
    Value gate = g.activate(Activation.GELU, x.times(shift));
    x = g.gate(Activation.SILU, gate, x);
    x =
        g.layerNorm(
            x,
            weights.require("ln.weight", Shape.of(HIDDEN)),
            weights.require("ln.bias", Shape.of(HIDDEN)),
            1e-5f);
    x = x.plus(g.cachedAttention(q, keys, values, position, 0.25f, 7).reshape(rows, HIDDEN));
    Value gates =
        g.route(g.linear(x, weights.require("router", Shape.of(4, HIDDEN)), null), 2, true);
    x = x.plus(g.experts(x, gates, experts(), Activation.SILU));
    x = x.plus(g.transposedExperts(x, gates, transposedExperts(), Activation.SILU));
    Value picture = x.reshape(rows, 8, 8, 1);
    Value kernels =
        g.convolve(picture, weights.require("kernel", Shape.of(5, 3, 3, 1)), null, 1, 1);
    g.output("pooled", g.averagePool(g.activate(Activation.RELU, kernels), 2, 2));
    g.output("read", g.crossAttention(q.rows(0, 1), k, v, 0.25f, List.of(1), List.of(rows)));
    g.output("x", g.concat(x, g.gather(x, ids)));
    g.output("weights", g.attentionWeights(q, k, 0.25f, true, List.of(rows)));
    return g;
  }

  private List<Expert> experts() {
    return Expert.unstack(
        weights.require("gate_up", Shape.of(4, 2 * 40, HIDDEN)),
        weights.require("down", Shape.of(4, HIDDEN, 40)));
  }

  private List<TransposedExpert> transposedExperts() {
    return TransposedExpert.unstack(
        weights.require("turned_gate_up", Shape.of(4, HIDDEN, 2 * 40)),
        weights.require("turned_down", Shape.of(4, 40, HIDDEN)));
  }

  private Value heads(GraphBuilder g, String name, Value x, int heads) {
    var weight = weights.require(name, Shape.of(heads * HEAD_DIM, HIDDEN));
    var bias = weights.require(name + ".bias", Shape.of(heads * HEAD_DIM));
    return g.linear(x, weight, bias).reshape(x.shape().dim(0), heads, HEAD_DIM);
  }
}
