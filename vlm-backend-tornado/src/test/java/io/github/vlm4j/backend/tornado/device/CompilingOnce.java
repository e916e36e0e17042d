package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;

/** Runs graphs and prints what the backend says of compiling, for {@link CompilationTest}. */
final class CompilingOnce {

  /** Printed before what the first graph makes TornadoVM compile. */
  static final String FIRST = "=== first graph";

  /** Printed before graphs of other sizes, whose kernels have all been compiled. */
  static final String OTHERS = "=== other graphs";

  /** Printed before a heap grows, for which there is a new execution plan. */
  static final String GROWN = "=== grown heap";

  /** Printed for each kernel that the listener is told of. */
  static final String HEARD = "heard of ";

  private final RandomWeights weights = new RandomWeights(DType.F32);

  private CompilingOnce() {}

  /** Runs the graphs. */
  public static void main(String[] args) {
    TornadoBackendProvider provider = new TornadoBackendProvider();
    if (!provider.availability().usable()) {
      throw new IllegalStateException(provider.availability().detail());
    }
    BackendOptions options =
        BackendOptions.DEFAULT.withWarmUp(
            (kernel, kernels, total) -> System.out.println(HEARD + kernel + ", " + kernels));
    CompilingOnce graphs = new CompilingOnce();
    System.out.println(FIRST);
    try (Backend backend = provider.open(options)) {
      graphs.run(backend, 2, 1, 64);
      System.out.println(OTHERS);
      graphs.run(backend, 2, 1, 64);
      graphs.run(backend, 5, 7, 96);
    }
    try (Backend backend = provider.open(options)) {
      graphs.run(backend, 3, 2, 32);
      System.out.println(GROWN);
      try (Buffer large = backend.allocate(DType.F32, Shape.of(1, 24 << 20, 1))) {
        graphs.run(backend, 2, 1, 64);
        System.out.println("beside " + large.shape());
      }
    }
  }

  private void run(Backend backend, int layers, int rows, int width) {
    try (Executable executable = backend.compile(network(layers, rows, width), weights)) {
      executable.run();
      executable.run();
    }
  }

  private Graph network(int layers, int rows, int width) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, width);
    for (int layer = 0; layer < layers; layer++) {
      Value normed = g.rmsNorm(x, weight("norm", layer, width), 1e-6f);
      Value gate = g.linear(normed, weight("gate", layer, 2 * width, width), null);
      Value up = g.linear(normed, weight("up", layer, 2 * width, width), null);
      Value hidden = g.gate(Activation.SILU, gate, up);
      x = g.add(x, g.linear(hidden, weight("down", layer, width, 2 * width), null));
    }
    g.output("y", x);
    return g.build();
  }

  private Weight weight(String name, int layer, long... dims) {
    return weights.require(name + layer + "of" + dims[0], Shape.of(dims));
  }
}
