package io.github.vlm4j.bench;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/**
 * A graph on the backend that {@code -Dvlm.backend} names, or the best one, with random weights and
 * inputs: what every benchmark runs.
 */
final class Compiled implements AutoCloseable {

  private final RandomWeights weights;
  private final Backend backend;
  private final Executable executable;
  private final List<Buffer> states = new ArrayList<>();

  /**
   * Builds and compiles.
   *
   * @param dtype the type of the weights
   * @param describe makes the graph from a source of weights
   */
  Compiled(DType dtype, Function<RandomWeights, Graph> describe) {
    weights = new RandomWeights(dtype);
    backend = Backends.find().open(null, BackendOptions.DEFAULT);
    Graph graph = describe.apply(weights);
    executable = backend.compile(graph, weights);
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Input input && value.dtype() == DType.F32) {
        Tensor tensor = executable.input(input.name());
        for (long i = 0; i < value.shape().elements(); i++) {
          tensor.setFloat(i, (float) random.nextGaussian());
        }
      } else if (value.op() instanceof Op.State state) {
        Buffer buffer = backend.allocate(value.dtype(), value.shape());
        states.add(buffer);
        executable.bind(state.name(), buffer);
      }
    }
  }

  /** Returns a matrix of random weights, not the same as that of any other name. */
  static Weight matrix(RandomWeights weights, String name, long rows, long columns) {
    return weights.require(name, Shape.of(rows, columns));
  }

  Executable executable() {
    return executable;
  }

  void run() {
    executable.run();
  }

  @Override
  public void close() {
    executable.close();
    states.forEach(Buffer::close);
    backend.close();
    weights.close();
  }
}
