package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A norm, two layers of one input, a gate and a layer of that by vectors alone, where inputs are
 * computed as they are laid out from some number of rows on, beside plain loops.
 */
class VectorLayersTest {

  private static final int INPUTS = 300;
  private static final int HIDDEN = 700;

  @ParameterizedTest
  @ValueSource(ints = {40, 48, 53, 170, 401})
  void resultsAreThoseOfPlainLoops(int rows) {
    for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
      float[] vectors = run(KernelSelection.select(0), type, rows, 2);
      float[] plain = run(new ScalarKernels(), type, rows, 2);

      assertThat(Differences.relative(vectors, plain)).as("%s", type).isLessThan(1e-6);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {53, 401})
  void resultsAreTheSameOnAnyNumberOfThreads(int rows) {
    float[] one = run(KernelSelection.select(0), DType.BF16, rows, 1);

    assertThat(run(KernelSelection.select(0), DType.BF16, rows, 2)).isEqualTo(one);
    assertThat(run(KernelSelection.select(0), DType.BF16, rows, 5)).isEqualTo(one);
  }

  private static float[] run(Kernels kernels, DType type, int rows, int threads) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, INPUTS);
    try (RandomWeights weights = new RandomWeights(type);
        CpuBackend backend = new CpuBackend(kernels, Emission.of(null), threads)) {
      Value normed = g.rmsNorm(x, weights.require("norm", Shape.of(INPUTS)), 1e-6f);
      Value gate = g.linear(normed, weights.require("gate", Shape.of(HIDDEN, INPUTS)), null);
      Value up = g.linear(normed, weights.require("up", Shape.of(HIDDEN, INPUTS)), null);
      Value gated = g.gate(Activation.SILU, gate, up);
      g.output("y", g.linear(gated, weights.require("down", Shape.of(INPUTS, HIDDEN)), null));
      try (Executable executable = backend.compile(g.build(), weights)) {
        Random random = new Random(3);
        for (int i = 0; i < rows * INPUTS; i++) {
          executable.input("x").setFloat(i, (float) random.nextGaussian());
        }
        executable.run();
        return executable.output("y").toFloats();
      }
    }
  }
}
