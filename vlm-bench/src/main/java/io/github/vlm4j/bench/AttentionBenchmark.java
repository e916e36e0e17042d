package io.github.vlm4j.bench;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
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
 * Attention: Qwen3-VL-2B's vision tower at 512² and 1024² pixels, CLIP ViT-L/14-336, the decoder
 * reading a prompt of 512, the 512 tokens before 8,192, and writing a token at contexts of 512,
 * 8,192 and 32,768.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AttentionBenchmark {

  /** More than the last-level cache holds, as the layers of a model are: a token streams them. */
  private static final long STREAMED_BYTES = 512L << 20;

  /** What attends to what. */
  @Param({
    "QWEN_512",
    "QWEN_1024",
    "CLIP_336",
    "PREFILL_512",
    "PREFILL_8192",
    "DECODE_512",
    "DECODE_8192",
    "DECODE_32768"
  })
  public Case shape = Case.QWEN_512;

  /** Rows, cached rows before them, heads, key/value heads and the length of a head. */
  public enum Case {
    /** 1,024 patches. */
    QWEN_512(1024, -1, 16, 16, 64),
    /** 4,096 patches. */
    QWEN_1024(4096, -1, 16, 16, 64),
    /** 576 patches and a class token. */
    CLIP_336(577, -1, 16, 16, 64),
    /** A prompt. */
    PREFILL_512(512, 0, 16, 8, 128),
    /** The last 512 tokens of a prompt of 8,192. */
    PREFILL_8192(512, 7680, 16, 8, 128),
    /** One token after 511. */
    DECODE_512(1, 511, 16, 8, 128),
    /** One token after 8,191. */
    DECODE_8192(1, 8191, 16, 8, 128),
    /** One token after 32,767. */
    DECODE_32768(1, 32767, 16, 8, 128);

    private final int rows;
    private final int past;
    private final int heads;
    private final int keyValueHeads;
    private final int headDim;

    Case(int rows, int past, int heads, int keyValueHeads, int headDim) {
      this.rows = rows;
      this.past = past;
      this.heads = heads;
      this.keyValueHeads = keyValueHeads;
      this.headDim = headDim;
    }

    private boolean cached() {
      return past >= 0;
    }

    private boolean writes() {
      return cached() && rows == 1;
    }

    private double pairs() {
      return cached() ? rows * (past + (rows + 1) / 2.0) : (double) rows * rows;
    }
  }

  /** The type that cached keys and values are stored in. */
  @Param("F32")
  public DType cache = DType.F32;

  private Compiled compiled;
  private double flops;
  private double bytes;

  /** Compiles the attention. */
  @Setup
  public void compile() {
    long cached = cache.bytes(2L * (shape.past + 1) * shape.keyValueHeads * shape.headDim);
    int layers = shape.writes() ? (int) Math.ceilDiv(STREAMED_BYTES, cached) : 1;
    flops = 4 * shape.pairs() * shape.heads * shape.headDim * layers;
    bytes = shape.writes() ? (double) cached * layers : 0;
    compiled =
        new Compiled(DType.F32, weights -> shape.cached() ? cached(shape, layers) : full(shape));
    if (shape.cached()) {
      compiled.executable().input("position").setInt(0, shape.past);
    }
  }

  private static Graph full(Case shape) {
    GraphBuilder g = new GraphBuilder();
    Value q = g.input("q", DType.F32, shape.rows, shape.heads, shape.headDim);
    Value k = g.input("k", DType.F32, shape.rows, shape.keyValueHeads, shape.headDim);
    Value v = g.input("v", DType.F32, shape.rows, shape.keyValueHeads, shape.headDim);
    g.output("y", g.attention(q, k, v, (float) (1 / Math.sqrt(shape.headDim)), false));
    return g.build();
  }

  private Graph cached(Case shape, int layers) {
    GraphBuilder g = new GraphBuilder();
    Value q = g.input("q", DType.F32, shape.rows, shape.heads, shape.headDim);
    Value rows = g.input("rows", DType.F32, shape.rows, shape.keyValueHeads, shape.headDim);
    Value position = g.input("position", DType.I32, 1);
    Shape all = Shape.of(shape.keyValueHeads, shape.past + shape.rows, shape.headDim);
    float scale = (float) (1 / Math.sqrt(shape.headDim));
    for (int i = 0; i < layers; i++) {
      Value keys = g.append(g.state("keys" + i, cache, all), rows, position);
      Value values = g.append(g.state("values" + i, cache, all), rows, position);
      g.output("y" + i, g.cachedAttention(q, keys, values, position, scale));
    }
    return g.build();
  }

  /** Runs the attention. */
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
