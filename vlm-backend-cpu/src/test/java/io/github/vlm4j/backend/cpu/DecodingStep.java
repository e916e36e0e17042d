package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.Arrays;

/** Tells what a decoding step allocates with vector kernels and a cache of some types. */
final class DecodingStep {

  private static final int HIDDEN = 64;
  private static final int CAPACITY = 300;

  /**
   * Vector kernels allocate until they are compiled, which takes some thousand calls, or as many as
   * are made until a compiler gets its turn where other programs keep the cores busy.
   */
  private static final int MOST_BATCHES = 40_000;

  private DecodingStep() {}

  /**
   * Prints the bytes.
   *
   * @param args the type of weights, then the types of the caches, one per layer
   */
  public static void main(String[] args) {
    DType[] caches = Arrays.stream(args).skip(1).map(DType::valueOf).toArray(DType[]::new);
    try (RandomWeights weights = new RandomWeights(DType.valueOf(args[0]))) {
      Kernels kernels = KernelSelection.select(0);
      Emission emission = KernelSelection.emission(kernels);
      Graph graph = decodingStep(weights, caches);
      System.out.println(Allocations.least(kernels, emission, graph, weights, MOST_BATCHES));
    }
  }

  /**
   * A layer of a decoder with one row, over each cache, and one over a cache long enough to be
   * split.
   */
  static Graph decodingStep(WeightSource weights, DType... caches) {
    GraphBuilder g = new GraphBuilder();
    Value position = g.input("position", DType.I32, 1);
    Value ids = g.input("ids", DType.I32, 1);
    Value x = g.embedding(weights.require("embed", Shape.of(50, HIDDEN)), ids);
    Value cos = g.input("cos", DType.F32, 1, HIDDEN / 4);
    Value sin = g.input("sin", DType.F32, 1, HIDDEN / 4);
    for (DType dtype : caches) {
      GraphBuilder layer = g.at("layers." + dtype);
      Value normed =
          layer.rmsNorm(x, weights.require(dtype + "norm.weight", Shape.of(HIDDEN)), 1e-6f);
      Value q = row(weights, layer, dtype + "q", normed, 4 * HIDDEN / 2).reshape(1, 4, HIDDEN / 2);
      Value k = row(weights, layer, dtype + "k", normed, HIDDEN).reshape(1, 2, HIDDEN / 2);
      Value v = row(weights, layer, dtype + "v", normed, HIDDEN).reshape(1, 2, HIDDEN / 2);
      q = layer.rope(q, cos, sin, RopePairing.HALVES);
      k = layer.rope(k, cos, sin, RopePairing.HALVES);
      Shape cache = Shape.of(2, CAPACITY, HIDDEN / 2);
      Value keys = layer.append(layer.state(dtype + "keys", dtype, cache), k, position);
      Value values = layer.append(layer.state(dtype + "values", dtype, cache), v, position);
      Value mixed = layer.cachedAttention(q, keys, values, position, 0.2f);
      x = x.plus(row(weights, layer, dtype + "o", mixed.reshape(1, 2 * HIDDEN), HIDDEN));
      Value gate = row(weights, layer, dtype + "gate", x, 3 * HIDDEN);
      Value up = row(weights, layer, dtype + "up", x, 3 * HIDDEN);
      Value gated = layer.gate(Activation.SILU, gate, up);
      x = x.plus(row(weights, layer, dtype + "down", gated, HIDDEN));
    }
    Value end = g.constant(Tensor.ofInts(new int[] {2500}, 1));
    Value state = g.state("long", Shape.of(2, 3000, HIDDEN / 2));
    Value q = row(weights, g, "far.q", x, 4 * HIDDEN / 2).reshape(1, 4, HIDDEN / 2);
    g.output("far", g.cachedAttention(q, state, state, end, 0.2f));
    g.output("logits", row(weights, g, "head", x, 50));
    return g.build();
  }

  private static Value row(
      WeightSource weights, GraphBuilder g, String name, Value x, int outputs) {
    return g.linear(x, weights.require(name, Shape.of(outputs, x.shape().last())), null);
  }
}
