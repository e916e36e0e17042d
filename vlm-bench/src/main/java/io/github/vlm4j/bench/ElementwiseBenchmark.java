package io.github.vlm4j.bench;

import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.RopePairing;
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
 * Norms, angles, activations and sums at Qwen3-VL-2B's sizes (512 tokens of the decoder, 1,024
 * patches of the tower); bytes counted are those of the input.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ElementwiseBenchmark {

  /** What is computed. */
  @Param({"RMS_NORM", "HEAD_NORM", "LAYER_NORM", "ROPE", "GELU_TANH", "GELU", "SWIGLU", "ADD"})
  public Kind kind = Kind.RMS_NORM;

  /** An operation with its rows and their length. */
  public enum Kind {
    /** Before every part of the decoder. */
    RMS_NORM(512, 2048),
    /** Of the queries of 16 heads in every layer of the decoder. */
    HEAD_NORM(512 * 16, 128),
    /** Before every part of the tower. */
    LAYER_NORM(1024, 1024),
    /** The same queries, turned by their positions. */
    ROPE(512 * 16, 128),
    /** In every block of the tower. */
    GELU_TANH(1024, 4096),
    /** In the mergers. */
    GELU(256, 4096),
    /** In every layer of the decoder. */
    SWIGLU(512, 6144),
    /** Around every part of the decoder. */
    ADD(512, 2048);

    private final int rows;
    private final int length;

    Kind(int rows, int length) {
      this.rows = rows;
      this.length = length;
    }
  }

  private static final int HEADS = 16;

  private Compiled compiled;

  /** Compiles the operation. */
  @Setup
  public void compile() {
    compiled = new Compiled(DType.BF16, this::describe);
  }

  private Graph describe(RandomWeights weights) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, kind.rows, kind.length);
    Shape row = Shape.of(kind.length);
    g.output(
        "y",
        switch (kind) {
          case RMS_NORM, HEAD_NORM -> g.rmsNorm(x, weights.require("weight", row), 1e-6f);
          case LAYER_NORM ->
              g.layerNorm(x, weights.require("weight", row), weights.require("bias", row), 1e-6f);
          case GELU_TANH -> g.activate(Activation.GELU_TANH, x);
          case GELU -> g.activate(Activation.GELU, x);
          case SWIGLU ->
              g.gate(Activation.SILU, x, g.input("up", DType.F32, kind.rows, kind.length));
          case ROPE -> rope(g, x);
          case ADD -> g.add(x, g.input("residual", DType.F32, kind.rows, kind.length));
        });
    return g.build();
  }

  private Value rope(GraphBuilder g, Value x) {
    int tokens = kind.rows / HEADS;
    Value cos = g.input("cos", DType.F32, tokens, kind.length / 2);
    Value sin = g.input("sin", DType.F32, tokens, kind.length / 2);
    Value heads = g.reshape(x, tokens, HEADS, kind.length);
    return g.rope(heads, cos, sin, RopePairing.HALVES);
  }

  /** Runs the operation. */
  @Benchmark
  public void run(Work work) {
    compiled.run();
    work.bytes += 4.0 * kind.rows * kind.length;
  }

  /** Frees it. */
  @TearDown
  public void close() {
    compiled.close();
  }
}
