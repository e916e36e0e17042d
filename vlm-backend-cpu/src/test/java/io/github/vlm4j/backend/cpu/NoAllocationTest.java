package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NoAllocationTest {

  private static final int HIDDEN = 64;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD_DIM = 16;
  private static final int CAPACITY = 300;

  private static final int BATCHES = 6;

  private final RandomWeights weights = new RandomWeights(DType.BF16);

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 170})
  void aRunOfEveryOperationAllocatesNothing(int rows) {
    try (weights) {
      Allocations least =
          Allocations.least(new ScalarKernels(), everyOperation(rows).build(), weights, BATCHES);
      assertThat(least.byCaller()).as("bytes allocated by the caller").isZero();
      assertThat(least.byHelper()).as("bytes allocated by the other thread").isZero();
    }
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
