package io.github.vlm4j.bench;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
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
 * Linear layers: GEMM for prompts and pictures, GEMV for a single token. Shapes are rows × inputs ×
 * outputs: Qwen3-VL-2B's decoder (2048, 6144) and vision tower (1024, 4096), CLIP ViT-L/14-336 (577
 * rows).
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LinearBenchmark {

  /**
   * Far more than the last-level cache holds, so that a GEMV streams from memory as decoding does.
   */
  private static final long STREAMED_BYTES = 512L << 20;

  /** Rows × inputs × outputs. */
  @Param({
    "512x2048x6144",
    "512x6144x2048",
    "1024x1024x4096",
    "1024x4096x1024",
    "577x1024x4096",
    "1x2048x6144",
    "1x6144x2048"
  })
  public String shape = "";

  /** The type of the weights. */
  @Param({"BF16", "F16", "F32", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  public String dtype = "";

  private Compiled compiled;
  private double flops;
  private double bytes;

  /** Compiles as many layers as it takes to leave the cache; one for many rows. */
  @Setup
  public void compile() {
    String[] extents = shape.split("x");
    long rows = Long.parseLong(extents[0]);
    long in = Long.parseLong(extents[1]);
    long out = Long.parseLong(extents[2]);
    DType type = DType.valueOf(dtype);
    int layers = rows > 1 ? 1 : (int) Math.ceilDiv(STREAMED_BYTES, type.bytes(in * out));
    flops = 2.0 * rows * in * out * layers;
    bytes = rows > 1 ? 0 : type.bytes(in * out) * (double) layers;
    compiled = new Compiled(type, weights -> describe(weights, layers, rows, in, out));
  }

  private static Graph describe(RandomWeights weights, int layers, long rows, long in, long out) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, in);
    for (int i = 0; i < layers; i++) {
      g.output("y" + i, g.linear(x, Compiled.matrix(weights, "w" + i, out, in), null));
    }
    return g.build();
  }

  /** Runs the layers. */
  @Benchmark
  public void run(Work work) {
    compiled.run();
    work.flops += flops;
    work.bytes += bytes;
  }

  /** Frees them. */
  @TearDown
  public void close() {
    compiled.close();
  }
}
