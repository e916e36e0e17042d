package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.conformance.OracleBackend;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.RopePairing;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Launches that are made one: how many remain, and that the numbers are those of the oracle. */
@NeedsSdk
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class FusedLaunchesTest {

  private DeviceHeaps heaps;
  private RandomWeights weights;

  @BeforeAll
  void findTheDevice() {
    assertThat(new TornadoBackendProvider().availability().usable()).isTrue();
    heaps = new DeviceHeaps(Devices.first());
    weights = new RandomWeights(DType.F32);
  }

  @AfterAll
  void freeWeights() {
    weights.close();
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 1, PLAIN",
    "F32, 5, PLAIN",
    "F32, 5, SHARED",
    "F16, 3, PLAIN",
    "BF16, 3, SHARED",
    "Q8_0, 3, PLAIN",
    "Q4_K, 3, SHARED"
  })
  void linearLayersOfOneInputAreOneLaunch(DType dtype, int rows, LinearShapes shapes) {
    try (RandomWeights source = new RandomWeights(dtype)) {
      long launches =
          compare(
              shapes,
              source,
              List.of(),
              g -> {
                Value x = g.input("x", DType.F32, rows, 256);
                Weight bias = source.require("bias", Shape.of(7));
                g.output("a", g.linear(x, source.require("a", Shape.of(40, 256)), null));
                g.output("b", biased(g, x, source, dtype, bias));
                g.output("c", g.linear(x, source.require("c", Shape.of(65, 256)), null));
                g.output("d", g.linear(x, source.require("d", Shape.of(9, 256)), null));
              });
      // Of at most three parts.
      assertThat(launches).isEqualTo(2);
    }
  }

  private static Value biased(
      GraphBuilder g, Value x, RandomWeights source, DType dtype, Weight bias) {
    return g.linear(x, source.require("b", Shape.of(7, 256)), dtype.isQuantised() ? null : bias);
  }

  @Test
  void aLayerThatReadsAnotherWaitsForIt() {
    long launches =
        compare(
            LinearShapes.PLAIN,
            weights,
            List.of(),
            g -> {
              Value x = g.input("x", DType.F32, 2, 32);
              Value a = g.linear(x, weights.require("first", Shape.of(32, 32)), null);
              g.output("y", g.linear(a, weights.require("second", Shape.of(32, 32)), null));
            });
    assertThat(launches).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 130})
  void aSumAndTheNormOfItsRowsAreOneLaunch(int rows) {
    long launches =
        compare(
            LinearShapes.PLAIN,
            weights,
            List.of(),
            g -> {
              Value sum =
                  g.add(g.input("a", DType.F32, rows, 70), g.input("b", DType.F32, rows, 70));
              g.output("norm", g.rmsNorm(sum, weights.require("norm.weight", Shape.of(70)), 1e-5f));
              g.output("sum", sum);
            });
    assertThat(launches).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aSumAndTheLayerNormOfItsRowsAreOneLaunch(int rows) {
    Weight scale = weights.require("layerNorm.weight", Shape.of(70));
    Weight shift = weights.require("layerNorm.bias", Shape.of(70));
    long launches =
        compare(
            LinearShapes.PLAIN,
            weights,
            List.of(),
            g -> {
              Value sum =
                  g.add(g.input("a", DType.F32, rows, 70), g.input("b", DType.F32, rows, 70));
              g.output("norm", g.layerNorm(sum, scale, shift, 1e-5f));
              g.output("sum", sum);
            });
    assertThat(launches).isEqualTo(1);
  }

  @Test
  void aSumWithAVectorIsNormedByItself() {
    long launches =
        compare(
            LinearShapes.PLAIN,
            weights,
            List.of(),
            g -> {
              Value sum = g.add(g.input("a", DType.F32, 3, 70), g.input("b", DType.F32, 70));
              g.output("y", g.rmsNorm(sum, weights.require("norm.weight", Shape.of(70)), 1e-5f));
            });
    assertThat(launches).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 1, PLAIN, 1",
    "BF16, 11, PLAIN, 1",
    "Q8_0, 3, PLAIN, 1",
    "Q4_K, 3, PLAIN, 1",
    "F32, 3, SHARED, 1",
    "F16, 1, SHARED, 1",
    "Q8_0, 3, SHARED, 1",
    "Q4_K, 2, SHARED, 1",
    // As tiles, gate and up are launches of their own, and the rest is done by them.
    "F32, 70, SHARED, 2",
    // Each after one that makes its weights f32.
    "Q8_0, 9, SHARED, 4"
  })
  void aGatedActivationIsComputedWithItsProjections(
      DType dtype, int rows, LinearShapes shapes, int expected) {
    try (RandomWeights source = new RandomWeights(dtype)) {
      long launches =
          compare(
              shapes,
              source,
              List.of(),
              g -> {
                Value x = g.input("x", DType.F32, rows, 256);
                Value[] projected = new Value[2];
                for (int i = 0; i < 2; i++) {
                  Weight bias = source.require("bias" + i, Shape.of(70));
                  Weight weight = source.require("weight" + i, Shape.of(70, 256));
                  projected[i] = g.linear(x, weight, dtype.isQuantised() ? null : bias);
                }
                g.output("y", g.gate(Activation.GELU, projected[0], projected[1]));
              });
      assertThat(launches).isEqualTo(expected);
    }
  }

  @Test
  void aProjectionThatIsAnOutputIsComputedByItself() {
    long launches =
        compare(
            LinearShapes.SHARED,
            weights,
            List.of(),
            g -> {
              Value x = g.input("x", DType.F32, 2, 32);
              Value gate = linear(g, x, "outputGate", 48, 32);
              Value up = linear(g, x, "outputUp", 48, 32);
              g.output("up", up);
              g.output("y", g.gate(Activation.SILU, gate, up));
            });
    // Gate and up; gated.
    assertThat(launches).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 1, SHARED, 1",
    "BF16, 3, SHARED, 1",
    "Q8_0, 8, SHARED, 1",
    "Q4_K, 2, SHARED, 1",
    "F32, 3, PLAIN, 2"
  })
  void aNormIsComputedByTheWorkGroupsThatReadIt(
      DType dtype, int rows, LinearShapes shapes, int expected) {
    try (RandomWeights source = new RandomWeights(dtype)) {
      long launches =
          compare(
              shapes,
              source,
              List.of(),
              g -> {
                Value x = g.input("x", DType.F32, rows, 256);
                Weight scale = source.require("scale.weight", Shape.of(256));
                Value normed = g.rmsNorm(x, scale, 1e-6f);
                g.output("a", g.linear(normed, source.require("a", Shape.of(40, 256)), null));
                g.output("b", g.linear(normed, source.require("b", Shape.of(7, 256)), null));
              });
      assertThat(launches).isEqualTo(expected);
    }
  }

  @Test
  void aNormThatIsAlsoAnOutputIsComputedByItself() {
    long launches =
        compare(
            LinearShapes.SHARED,
            weights,
            List.of(),
            g -> {
              Value normed = norm(g, g.input("x", DType.F32, 2, 32), "norm.weight", 32);
              g.output("normed", normed);
              g.output("y", linear(g, normed, "afterNorm", 40, 32));
            });
    assertThat(launches).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"1, SHARED, 2", "5, SHARED, 2", "5, PLAIN, 3", "20, SHARED, 3"})
  void aSumIsComputedWithTheProjectionThatItAdds(int rows, LinearShapes shapes, int expected) {
    long launches =
        compare(
            shapes,
            weights,
            List.of(),
            g -> {
              Value x = g.add(g.input("a", DType.F32, rows, 70), g.input("b", DType.F32, 70));
              // Must not be written over what other numbers of it are computed from.
              g.output("y", g.add(x, linear(g, x, "summed", 70, 70)));
            });
    assertThat(launches).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"1, HALVES, 16", "3, HALVES, 16", "3, INTERLEAVED, 16", "3, HALVES, 5"})
  void normsOfHeadsAndTheirRotationsAreOneLaunch(int rows, RopePairing pairing, int pairs) {
    long launches =
        compare(
            LinearShapes.PLAIN,
            weights,
            List.of(),
            g -> {
              Value x = g.input("x", DType.F32, rows, 32);
              Value cos = g.input("cos", DType.F32, rows, pairs);
              Value sin = g.input("sin", DType.F32, rows, pairs);
              Value q = linear(g, x, "rotatedQ", 128, 32).reshape(rows, 4, 32);
              Value k = linear(g, x, "rotatedK", 64, 32).reshape(rows, 2, 32);
              Value normedQ = norm(g, q, "qNorm.weight", 32);
              Value normedK = norm(g, k, "kNorm.weight", 32);
              g.output("q", g.rope(normedQ, cos, sin, pairing));
              g.output("k", g.rope(normedK, cos, sin, pairing));
            });
    // Q and k; both normed and turned.
    assertThat(launches).isEqualTo(2);
  }

  // On CPUs: sum and norm; q, k and v; normed and turned; appended; attention; o; sum and norm;
  // gate, up and gated; down; and the last sum, which the next layer's norm would be one launch
  // with. On GPUs: the first sum; norm, q, k and v; normed and turned; appended; attention; o and
  // sum; norm, gate, up and gated; down and sum.
  @ParameterizedTest
  @CsvSource({
    "F32, 1, PLAIN, 10",
    "F32, 4, PLAIN, 10",
    "Q8_0, 4, PLAIN, 10",
    "F32, 1, SHARED, 8",
    "F16, 4, SHARED, 8",
    "Q8_0, 4, SHARED, 8"
  })
  void aLayerOfADecoderIsFewLaunches(DType cacheType, int rows, LinearShapes shapes, int expected) {
    int heads = 4;
    int keyHeads = 2;
    int headDim = 32;
    int width = heads * headDim;
    Shape cache = Shape.of(keyHeads, 8, headDim);
    long launches =
        compare(
            shapes,
            weights,
            List.of(new State("keys", cacheType, cache), new State("values", cacheType, cache)),
            g -> {
              Value before = g.input("before", DType.F32, rows, width);
              Value x = g.add(before, g.input("residual", DType.F32, rows, width));
              Value cos = g.input("cos", DType.F32, rows, headDim / 2);
              Value sin = g.input("sin", DType.F32, rows, headDim / 2);
              Value position = g.input("position", DType.I32, 1);
              Value normed = norm(g, x, "norm1.weight", width);
              Value q = linear(g, normed, "q", width, width).reshape(rows, heads, headDim);
              Value k = linear(g, normed, "k", 64, width).reshape(rows, keyHeads, headDim);
              Value v = linear(g, normed, "v", 64, width).reshape(rows, keyHeads, headDim);
              q = norm(g, q, "qNorm.weight", headDim);
              k = norm(g, k, "kNorm.weight", headDim);
              q = g.rope(q, cos, sin, RopePairing.HALVES);
              k = g.rope(k, cos, sin, RopePairing.HALVES);
              Value keys = g.append(g.state("keys", cacheType, cache), k, position);
              Value values = g.append(g.state("values", cacheType, cache), v, position);
              Value mixed = g.cachedAttention(q, keys, values, position, 0.2f);
              Value h = g.add(x, linear(g, mixed.reshape(rows, width), "o", width, width));
              Value again = norm(g, h, "norm2.weight", width);
              Value gate = linear(g, again, "gate", 96, width);
              Value up = linear(g, again, "up", 96, width);
              Value hidden = g.gate(Activation.SILU, gate, up);
              g.output("y", g.add(h, linear(g, hidden, "down", width, 96)));
            });
    assertThat(launches).isEqualTo(expected);
  }

  private Value norm(GraphBuilder g, Value x, String name, int size) {
    return g.rmsNorm(x, weights.require(name + size, Shape.of(size)), 1e-6f);
  }

  private Value linear(GraphBuilder g, Value x, String name, int out, int in) {
    return g.linear(x, weights.require(name, Shape.of(out, in)), null);
  }

  /** A state of a graph. */
  private record State(String name, DType dtype, Shape shape) {}

  /** Compares all outputs with the oracle's; returns the launches between inputs and outputs. */
  private long compare(
      LinearShapes shapes, RandomWeights source, List<State> states, Consumer<GraphBuilder> build) {
    GraphBuilder g = new GraphBuilder();
    build.accept(g);
    Graph graph = g.build();
    Map<String, float[]> expected = new HashMap<>();
    try (Backend oracle = new OracleBackend()) {
      run(oracle, graph, source, states, expected);
    }
    Map<String, float[]> found = new HashMap<>();
    long launches;
    try (Backend backend = new TornadoBackend(heaps, shapes, WarmUpListener.NONE)) {
      launches = run(backend, graph, source, states, found);
    }
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, values) -> assertThat(found.get(name)).containsExactly(values, within(2e-4f)));
    return launches;
  }

  private long run(
      Backend backend,
      Graph graph,
      RandomWeights source,
      List<State> states,
      Map<String, float[]> outputs) {
    List<Buffer> buffers = new ArrayList<>();
    try (Executable executable = backend.compile(graph, source)) {
      for (State state : states) {
        Buffer buffer = backend.allocate(state.dtype, state.shape);
        buffers.add(buffer);
        executable.bind(state.name, buffer);
      }
      long transfers = fill(graph, executable) + executable.outputs().size();
      long before = heaps.launches();
      executable.run();
      long launches = heaps.launches() - before - transfers;
      executable.outputs().forEach(name -> outputs.put(name, executable.output(name).toFloats()));
      return launches;
    } finally {
      buffers.forEach(Buffer::close);
    }
  }

  /** Fills the inputs; returns how many types they have, each of which is sent in one launch. */
  private static long fill(Graph graph, Executable executable) {
    SplittableRandom random = new SplittableRandom(5);
    List<DType> types = new ArrayList<>();
    for (Value value : graph.values()) {
      if (value.op() instanceof Op.Input(String name)) {
        types.add(value.dtype());
        if (value.dtype() == DType.F32) {
          float[] numbers = new float[(int) value.shape().elements()];
          for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextGaussian();
          }
          executable.input(name).copyFrom(Tensor.ofFloats(numbers, value.shape().toArray()));
        }
      }
    }
    return types.stream().distinct().count();
  }
}
