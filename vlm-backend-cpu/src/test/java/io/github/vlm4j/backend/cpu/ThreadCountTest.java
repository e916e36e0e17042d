package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads share the work of a decoding step out; what comes out is the same. */
class ThreadCountTest {

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 7})
  void aDecodingStepComputesWhatOneThreadComputes(int threads) {
    float[] alone = logits(1);
    float[] together = logits(threads);
    double greatest = 0;
    double difference = 0;
    for (int i = 0; i < alone.length; i++) {
      greatest = Math.max(greatest, Math.abs(alone[i]));
      difference = Math.max(difference, Math.abs(alone[i] - together[i]));
    }
    assertThat(greatest).isPositive();
    assertThat(difference / greatest).isLessThan(1e-5);
  }

  private static float[] logits(int threads) {
    Kernels kernels = KernelSelection.select(0);
    List<Buffer> buffers = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(7);
    try (RandomWeights weights = new RandomWeights(DType.BF16);
        CpuBackend backend = new CpuBackend(kernels, threads)) {
      Graph graph = DecodingStep.decodingStep(weights, DType.F32, DType.Q8_0);
      try (Executable executable = backend.compile(graph, weights)) {
        for (Value value : graph.values()) {
          if (value.op() instanceof Op.State(String name)) {
            buffers.add(backend.allocate(value.dtype(), value.shape()));
            executable.bind(name, buffers.getLast());
          }
        }
        for (String angles : List.of("cos", "sin")) {
          Tensor input = executable.input(angles);
          for (int i = 0; i < input.shape().elements(); i++) {
            input.setFloat(i, (float) random.nextDouble(-1, 1));
          }
        }
        // Tokens one after the other, so that later ones see what earlier ones wrote.
        for (int token = 0; token < 40; token++) {
          executable.input("position").setInt(0, token);
          executable.input("ids").setInt(0, token);
          executable.run();
        }
        return executable.output("logits").toFloats();
      } finally {
        buffers.forEach(Buffer::close);
      }
    }
  }
}
