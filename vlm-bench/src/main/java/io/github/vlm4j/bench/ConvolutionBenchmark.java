package io.github.vlm4j.bench;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
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

/** The 3×3 convolutions of CLIP's RN50 at 224 pixels: the stem and the middle of each stage. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ConvolutionBenchmark {

  /** What is convolved. */
  @Param({"STEM_1", "STEM_2", "STEM_3", "LAYER_1", "LAYER_2", "LAYER_3", "LAYER_4"})
  public Case shape = Case.STEM_1;

  /** The pictures. */
  @Param({"1", "8"})
  public int batch;

  /** The side of a picture, its channels, the kernels and the stride. */
  public enum Case {
    /** Pixels, halved. */
    STEM_1(224, 3, 32, 2),
    /** Half the size. */
    STEM_2(112, 32, 32, 1),
    /** Half the size. */
    STEM_3(112, 32, 64, 1),
    /** A quarter of the size. */
    LAYER_1(56, 64, 64, 1),
    /** An eighth. */
    LAYER_2(28, 128, 128, 1),
    /** A sixteenth. */
    LAYER_3(14, 256, 256, 1),
    /** A thirty-second. */
    LAYER_4(7, 512, 512, 1);

    private final int side;
    private final int channels;
    private final int kernels;
    private final int stride;

    Case(int side, int channels, int kernels, int stride) {
      this.side = side;
      this.channels = channels;
      this.kernels = kernels;
      this.stride = stride;
    }
  }

  private Compiled compiled;
  private double flops;

  /** Compiles the convolution. */
  @Setup
  public void compile() {
    int outSide = shape.side / shape.stride;
    flops = 2.0 * batch * outSide * outSide * shape.kernels * 9 * shape.channels;
    compiled = new Compiled(DType.F32, this::describe);
  }

  private Graph describe(RandomWeights weights) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, batch, shape.side, shape.side, shape.channels);
    var kernel = weights.require("kernel", Shape.of(shape.kernels, 3, 3, shape.channels));
    var bias = weights.require("bias", Shape.of(shape.kernels));
    g.output("y", g.convolve(x, kernel, bias, shape.stride, 1));
    return g.build();
  }

  /** Runs the convolution. */
  @Benchmark
  public void run(Work work) {
    compiled.run();
    work.flops += flops;
  }

  /** Frees it. */
  @TearDown
  public void close() {
    compiled.close();
  }
}
