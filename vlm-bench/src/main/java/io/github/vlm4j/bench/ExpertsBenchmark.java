package io.github.vlm4j.bench;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One mixture of experts with its router, for a single token and for a prompt, beside linear layers
 * of the same weights and rows: Qwen3-30B-A3B's shape (2048, 768, 8 of 128), with as many experts
 * as fit into a gigabyte, and MiniMind's (768, 2048, 1 of 4).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ExpertsBenchmark {

  /** Rows × hidden × inter × chosen × experts. */
  @Param({
    "1x2048x768x8x96",
    "512x2048x768x8x96",
    "512x2048x768x8x16",
    "1x768x2048x1x4",
    "196x768x2048x1x4"
  })
  public String shape = "";

  /** How weights are stored: as linear layers are, or the other way round. */
  @Param({"rows", "columns", "linear"})
  public String layout = "";

  /** The type of the weights. */
  @Param("BF16")
  public String dtype = "";

  private Compiled compiled;
  private double flops;
  private double bytes;

  /**
   * Compiles the mixture, or what a router that gives all experts as many rows would make of it.
   */
  @Setup
  public void compile() {
    String[] extents = shape.split("x");
    long rows = Long.parseLong(extents[0]);
    long hidden = Long.parseLong(extents[1]);
    long inter = Long.parseLong(extents[2]);
    int chosen = Integer.parseInt(extents[3]);
    int experts = Integer.parseInt(extents[4]);
    DType type = DType.valueOf(dtype);
    flops = 2.0 * 3 * rows * chosen * hidden * inter;
    bytes = rows > 1 ? 0 : 3.0 * chosen * type.bytes(hidden * inter);
    compiled =
        new Compiled(
            type,
            weights ->
                layout.equals("linear")
                    ? linear(weights, rows, hidden, inter, chosen, experts)
                    : mixture(weights, rows, hidden, inter, chosen, experts));
  }

  private Graph mixture(
      RandomWeights weights, long rows, long hidden, long inter, int chosen, int experts) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, hidden);
    Value router = g.linear(x, Compiled.matrix(weights, "router", experts, hidden), null);
    Value gates = g.route(router, chosen, true);
    if (layout.equals("columns")) {
      var gateUp = weights.require("gate_up", Shape.of(experts, hidden, 2 * inter));
      var down = weights.require("down", Shape.of(experts, inter, hidden));
      var all = TransposedExpert.unstack(gateUp, down);
      g.output("y", g.transposedExperts(x, gates, all, Activation.SILU));
    } else {
      var gateUp = weights.require("gate_up", Shape.of(experts, 2 * inter, hidden));
      var down = weights.require("down", Shape.of(experts, hidden, inter));
      g.output("y", g.experts(x, gates, Expert.unstack(gateUp, down), Activation.SILU));
    }
    return g.build();
  }

  private static Graph linear(
      RandomWeights weights, long rows, long hidden, long inter, int chosen, int experts) {
    GraphBuilder g = new GraphBuilder();
    int used = rows == 1 ? chosen : experts;
    long each = Math.max(1, rows * chosen / experts);
    Value x = g.input("x", DType.F32, each, hidden);
    for (int e = 0; e < used; e++) {
      var gate = g.linear(x, Compiled.matrix(weights, "gate" + e, inter, hidden), null);
      var up = g.linear(x, Compiled.matrix(weights, "up" + e, inter, hidden), null);
      Value gated = g.gate(Activation.SILU, gate, up);
      g.output("y" + e, g.linear(gated, Compiled.matrix(weights, "down" + e, hidden, inter), null));
    }
    return g.build();
  }

  /** Runs it. */
  @Benchmark
  public void run(Work work) {
    compiled.run();
    work.flops += flops;
    work.bytes += bytes;
  }

  /** Frees it. */
  @TearDown
  public void close() {
    compiled.close();
  }
}
