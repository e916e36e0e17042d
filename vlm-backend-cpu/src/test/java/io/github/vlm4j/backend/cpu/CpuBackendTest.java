package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Expert;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.ScatterMode;
import io.github.vlm4j.core.graph.TransposedExpert;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CpuBackendTest {

  private final RandomWeights weights = new RandomWeights(DType.BF16);
  private final CpuBackend backend = new CpuBackend(new ScalarKernels(), 2);
  private final GraphBuilder g = new GraphBuilder();

  @AfterEach
  void close() {
    backend.close();
    weights.close();
  }

  @Test
  void isFoundByItsNameAndSaysWhatItRunsOn() {
    try (Backend found = Backends.find().open("cpu", new BackendOptions(3))) {
      assertThat(found.name()).isEqualTo("cpu");
      assertThat(found.description())
          .matches("cpu: 3 threads, (scalar|vector-(128|256|512))( \\+ emitted .*)?");
    }
    BackendProvider provider = new CpuBackendProvider();
    assertThat(provider.priority()).isZero();
    assertThat(provider.availability().usable()).isTrue();
  }

  @Test
  void theModuleDescriptorProvidesWhatTheServiceFileNames() throws Exception {
    assertThat(Backends.find().providers()).anyMatch(CpuBackendProvider.class::isInstance);
    Path classes =
        Path.of(
            CpuBackendProvider.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    Path descriptor = classes.resolve("module-info.class");
    assumeTrue(Files.exists(descriptor), "compiled without a module descriptor");
    try (InputStream in = Files.newInputStream(descriptor)) {
      assertThat(ModuleDescriptor.read(in).provides())
          .anyMatch(provides ->
              provides.service().equals(BackendProvider.class.getName())
                  && provides.providers().contains(CpuBackendProvider.class.getName()));
    }
  }

  @Test
  void aTwoLayerNetworkComputesWhatItsFormulaSays() {
    Weight up = weights.require("up", Shape.of(7, 5));
    Weight upBias = weights.require("up.bias", Shape.of(7));
    Weight down = weights.require("down", Shape.of(3, 7));
    for (int n : new int[] {1, 2, 3, 4, 9}) {
      GraphBuilder network = new GraphBuilder();
      Value x = network.input("x", DType.F32, n, 5);
      Value hidden = network.activate(Activation.RELU, network.linear(x, up, upBias));
      network.output("y", network.linear(hidden, down, null));
      try (Executable executable = backend.compile(network.build(), weights)) {
        float[] input = new float[n * 5];
        for (int i = 0; i < input.length; i++) {
          input[i] = (float) Math.sin(i) * 10;
          executable.input("x").setFloat(i, input[i]);
        }
        executable.run();
        for (int row = 0; row < n; row++) {
          double[] h = product(up, row * 5, input, upBias);
          double[] y = product(down, 0, floats(relu(h)), null);
          for (int i = 0; i < 3; i++) {
            assertThat(executable.output("y").getFloat(row * 3L + i))
                .isCloseTo((float) y[i], within(1e-5f));
          }
        }
      }
    }
  }

  private double[] product(Weight weight, int at, float[] x, @Nullable Weight bias) {
    Tensor w = weights.tensor(weight.name());
    int rows = (int) weight.shape().dim(0);
    int columns = (int) weight.shape().dim(1);
    double[] y = new double[rows];
    for (int r = 0; r < rows; r++) {
      y[r] = bias == null ? 0 : weights.tensor(bias.name()).getFloat(r);
      for (int c = 0; c < columns; c++) {
        y[r] += (double) w.getFloat((long) r * columns + c) * x[at + c];
      }
    }
    return y;
  }

  private static double[] relu(double[] x) {
    return Arrays.stream(x).map(value -> Math.max(0, value)).toArray();
  }

  private static float[] floats(double[] x) {
    float[] y = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = (float) x[i];
    }
    return y;
  }

  @Test
  void decodingRowByRowEqualsDecodingAllAtOnce() {
    int n = 70;
    try (Buffer keys = backend.allocate(DType.F32, Shape.of(2, n, 8));
        Buffer values = backend.allocate(DType.F32, Shape.of(2, n, 4));
        Executable all = backend.compile(cached(n, n), weights);
        Executable one = backend.compile(cached(n, 1), weights)) {
      all.bind("k", keys);
      all.bind("v", values);
      for (int i = 0; i < n * 32; i++) {
        all.input("q").setFloat(i, (float) Math.sin(0.1 * i));
      }
      for (int i = 0; i < n * 16; i++) {
        all.input("newK").setFloat(i, (float) Math.cos(0.3 * i));
      }
      for (int i = 0; i < n * 8; i++) {
        all.input("newV").setFloat(i, (float) Math.cos(0.7 * i));
      }
      all.run();
      float[] expected = all.output("y").toFloats();

      try (Buffer otherKeys = backend.allocate(DType.F32, Shape.of(2, n, 8));
          Buffer otherValues = backend.allocate(DType.F32, Shape.of(2, n, 4))) {
        one.bind("k", otherKeys);
        one.bind("v", otherValues);
        for (int row = 0; row < n; row++) {
          one.input("q").copyFrom(all.input("q").rows(row, row + 1));
          one.input("newK").copyFrom(all.input("newK").rows(row, row + 1));
          one.input("newV").copyFrom(all.input("newV").rows(row, row + 1));
          one.input("p").setInt(0, row);
          one.run();
          for (int i = 0; i < 16; i++) {
            assertThat(one.output("y").getFloat(i))
                .as("row %d, element %d", row, i)
                .isCloseTo(expected[row * 16 + i], within(1e-6f));
          }
        }
        Tensor read = Tensor.ofFloats(new float[n * 16], 2, n, 8);
        otherKeys.read(read);
        for (int i = 0; i < n * 16; i++) {
          int ofHead = i / 8 % 2 * n * 8 + i / 16 * 8 + i % 8;
          assertThat(read.getFloat(ofHead)).isEqualTo(all.input("newK").getFloat(i));
        }
      }
    }
  }

  private static Graph cached(int capacity, int n) {
    GraphBuilder graph = new GraphBuilder();
    GraphBuilder layer = graph.at("layers.0");
    Value position = layer.input("p", DType.I32, 1);
    Value keys =
        layer.append(
            layer.state("k", Shape.of(2, capacity, 8)),
            layer.input("newK", DType.F32, n, 2, 8),
            position);
    Value values =
        layer.append(
            layer.state("v", Shape.of(2, capacity, 4)),
            layer.input("newV", DType.F32, n, 2, 4),
            position);
    Value q = layer.input("q", DType.F32, n, 4, 8);
    layer.output("y", layer.cachedAttention(q, keys, values, position, 0.35f));
    return graph.build();
  }

  @Test
  void rowsThatDoNotFitTheCacheAreRefusedWithNumbers() {
    try (Buffer keys = backend.allocate(DType.F32, Shape.of(2, 10, 8));
        Buffer values = backend.allocate(DType.F32, Shape.of(2, 10, 4));
        Executable executable = backend.compile(cached(10, 3), weights)) {
      executable.bind("k", keys);
      executable.bind("v", values);
      executable.input("p").setInt(0, 7);
      executable.run();
      for (int bad : new int[] {8, -1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        executable.input("p").setInt(0, bad);
        assertThatThrownBy(executable::run)
            .isInstanceOf(ModelException.class)
            .hasMessageContaining("layers.0: append: 3 rows from position " + bad)
            .hasMessageContaining("10 rows");
      }
    }
  }

  @Test
  void idsOutsideTheTableAreRefusedWithNumbers() {
    Value ids = g.input("ids", DType.I32, 2);
    Value table = g.at("embed").embedding(weights.require("table", Shape.of(6, 4)), ids);
    g.output("y", table);
    try (Executable executable = backend.compile(g.build(), weights)) {
      executable.input("ids").setInt(1, 5);
      executable.run();
      for (int bad : new int[] {6, -1}) {
        executable.input("ids").setInt(1, bad);
        assertThatThrownBy(executable::run)
            .isInstanceOf(ModelException.class)
            .hasMessageContaining("id " + bad + " at index 1")
            .hasMessageContaining("6 rows");
      }
    }
  }

  @Test
  void scatterIdsOutsideTheValueAreRefused() {
    Value x = g.input("x", DType.F32, 3, 4);
    Value y = g.input("y", DType.F32, 1, 4);
    g.output("out", g.scatter(x, g.input("ids", DType.I32, 1), y, ScatterMode.REPLACE));
    try (Executable executable = backend.compile(g.build(), weights)) {
      executable.input("ids").setInt(0, 3);
      assertThatThrownBy(executable::run)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("id 3");
    }
  }

  @Test
  void outputsThatAreLeavesOrViewsOfThemAreCopies() {
    Value x = g.input("x", DType.F32, 4, 2);
    Value constant = g.constant(Tensor.ofFloats(new float[] {1, 2, 3, 4}, 2, 2));
    Value state = g.state("s", Shape.of(2, 2));
    g.output("input", x);
    g.output("rows", x.rows(1, 3));
    g.output("constant", constant.rows(1, 2).reshape(2));
    g.output("state", state);
    try (Executable executable = backend.compile(g.build(), weights);
        Buffer buffer = backend.allocate(DType.F32, Shape.of(2, 2))) {
      executable.bind("s", buffer);
      for (int i = 0; i < 8; i++) {
        executable.input("x").setFloat(i, i);
      }
      executable.run();
      assertThat(executable.output("input").toFloats()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
      assertThat(executable.output("rows").toFloats()).containsExactly(2, 3, 4, 5);
      assertThat(executable.output("constant").toFloats()).containsExactly(3, 4);
      assertThat(executable.output("state").toFloats()).containsOnly(0);
    }
  }

  @Test
  void emptyValuesRun() {
    Value x = g.input("x", DType.F32, 3, 4);
    Value none = x.rows(1, 1);
    Value ids = g.input("ids", DType.I32, 0);
    Weight w = weights.require("w", Shape.of(5, 4));
    g.output("linear", g.linear(none, w, null));
    g.output("sum", none.plus(g.parameter(weights.require("b", Shape.of(4)))));
    g.output("norm", g.rmsNorm(none, weights.require("n", Shape.of(4)), 1e-6f));
    Value gates = g.route(g.linear(none, w, null), 1, true);
    Weight experts = weights.require("experts", Shape.of(5, 6, 4));
    Weight down = weights.require("down", Shape.of(5, 4, 3));
    g.output("mixed", g.experts(none, gates, Expert.unstack(experts, down), Activation.SILU));
    g.output("gathered", g.embedding(w, ids));
    g.output("scattered", g.scatter(x, ids, none, ScatterMode.ADD));
    g.output("joined", g.concat(none, x, none));
    try (Executable executable = backend.compile(g.build(), weights)) {
      executable.run();
      assertThat(executable.output("linear").shape()).isEqualTo(Shape.of(0, 5));
      assertThat(executable.output("joined").shape()).isEqualTo(Shape.of(3, 4));
    }
  }

  @Test
  void unknownNamesAreRefusedListingWhatThereIs() {
    g.output("y", g.activate(Activation.RELU, g.input("x", DType.F32, 2)));
    try (Executable executable = backend.compile(g.build(), weights)) {
      assertThatThrownBy(() -> executable.input("z"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[x]");
      assertThatThrownBy(() -> executable.output("x"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[y]");
      assertThatThrownBy(() -> executable.bind("s", backend.allocate(DType.F32, Shape.of(2))))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aStateHasToBeBoundToABufferOfItsShape() {
    g.output("y", g.activate(Activation.RELU, g.state("s", Shape.of(2, 3))));
    try (Executable executable = backend.compile(g.build(), weights)) {
      assertThatThrownBy(executable::run)
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("\"s\" [2, 3] is not bound");
      assertThatThrownBy(() -> executable.bind("s", backend.allocate(DType.F32, Shape.of(3, 2))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("[3, 2]");
      Buffer buffer = backend.allocate(DType.F32, Shape.of(2, 3));
      executable.bind("s", buffer);
      executable.run();
      buffer.close();
      assertThatThrownBy(executable::run).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void buffersCopyTheirFirstRows() {
    try (Buffer from = backend.allocate(DType.F32, Shape.of(1, 4, 2));
        Buffer to = backend.allocate(DType.F32, Shape.of(1, 3, 2));
        Buffer other = backend.allocate(DType.F32, Shape.of(1, 3, 3))) {
      Value position = g.input("p", DType.I32, 1);
      Value state = g.state("s", Shape.of(1, 4, 2));
      g.output("y", g.append(state, g.input("rows", DType.F32, 4, 1, 2), position));
      try (Executable executable = backend.compile(g.build(), weights)) {
        executable.bind("s", from);
        for (int i = 0; i < 8; i++) {
          executable.input("rows").setFloat(i, i + 1);
        }
        executable.run();
      }
      to.copyRows(from, 2);
      Tensor read = Tensor.ofFloats(new float[6], 1, 3, 2);
      to.read(read);
      assertThat(read.toFloats()).containsExactly(1, 2, 3, 4, 0, 0);
      assertThatThrownBy(() -> to.copyRows(from, 4)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> to.copyRows(other, 1)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void quantisedWeightsOfNormsAreRefusedByName() {
    WeightSource quantised = new DeclaredWeights(DType.Q4_0);
    try (Arena arena = Arena.ofConfined()) {
      Tensor stored = Tensor.allocate(DType.Q4_0, Shape.of(32), arena);
      WeightSource source =
          new WeightSource() {
            @Override
            public boolean contains(String name) {
              return true;
            }

            @Override
            public Weight require(String name, Shape expected) {
              return quantised.require(name, expected);
            }

            @Override
            public Tensor tensor(String name) {
              return stored;
            }
          };
      Weight w = source.require("layers.0.w", Shape.of(32));
      g.output("y", g.rmsNorm(g.input("x", DType.F32, 1, 32), w, 1e-6f));
      assertThatThrownBy(() -> backend.compile(g.build(), source))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("Q4_0")
          .hasMessageContaining("layers.0.w");
    }
  }

  @Test
  void everyOperationOfARunIsProfiled() {
    Value x = g.input("x", DType.F32, 2, 4);
    Value h = g.linear(x, weights.require("w", Shape.of(4, 4)), null);
    Value y = g.activate(Activation.SILU, h.reshape(8));
    g.output("y", y);
    List<Value> seen = new ArrayList<>();
    try (Executable executable = backend.compile(g.build(), weights)) {
      executable.run((value, nanos) -> {
        assertThat(nanos).isNotNegative();
        seen.add(value);
      });
    }
    assertThat(seen).containsExactly(h, y);
  }

  @Test
  void whatIsClosedCanNoLongerBeUsed() {
    g.output("y", g.activate(Activation.RELU, g.input("x", DType.F32, 2)));
    Executable executable = backend.compile(g.build(), weights);
    Executable other = backend.compile(g.build(), weights);
    Buffer buffer = backend.allocate(DType.F32, Shape.of(2));
    executable.close();
    assertThatThrownBy(executable::run).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> executable.input("x")).isInstanceOf(IllegalStateException.class);
    backend.close();
    assertThatThrownBy(other::run).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.read(Tensor.ofFloats(new float[2], 2)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> backend.allocate(DType.F32, Shape.of(2)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> backend.compile(g.build(), weights))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aBufferLargerThanTheHeapIsRefusedSayingHowMuchIsNeeded() {
    assertThatThrownBy(() -> backend.allocate(DType.F32, Shape.of(2_000_000_000)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("8000000000 bytes");
    assertThatThrownBy(() -> backend.allocate(DType.F32, Shape.of(1L << 40)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("4398046511104 bytes");
  }

  @Test
  void aMixtureOfExpertsIsTheSameOnAnyNumberOfThreads() {
    for (int rows : new int[] {1, 3, 40, 170}) {
      List<float[]> results = new ArrayList<>();
      for (int threads : new int[] {1, 5}) {
        try (CpuBackend other = new CpuBackend(KernelSelection.select(0), threads);
            Executable executable = other.compile(mixture(rows), weights)) {
          for (int i = 0; i < rows * 130; i++) {
            executable.input("x").setFloat(i, (float) Math.sin(i));
          }
          executable.run();
          results.add(executable.output("y").toFloats());
          results.add(executable.output("turned").toFloats());
        }
      }
      for (int i = 2; i < results.size(); i++) {
        float[] expected = results.get(i % 2);
        for (int j = 0; j < expected.length; j++) {
          // Interpreted code adds up a vector's lanes in another order than compiled code.
          assertThat(results.get(i)[j])
              .as("%d rows, element %d", rows, j)
              .isCloseTo(expected[j], within(1e-6f));
        }
      }
    }
  }

  private Graph mixture(int rows) {
    GraphBuilder graph = new GraphBuilder();
    Value x = graph.input("x", DType.F32, rows, 130);
    Weight router = weights.require("router", Shape.of(6, 130));
    Value gates = graph.route(graph.linear(x, router, null), 2, true);
    List<Expert> experts =
        Expert.unstack(
            weights.require("gateUp", Shape.of(6, 2 * 210, 130)),
            weights.require("down", Shape.of(6, 130, 210)));
    graph.output("y", graph.experts(x, gates, experts, Activation.SILU));
    List<TransposedExpert> turned =
        TransposedExpert.unstack(
            weights.require("turnedGateUp", Shape.of(6, 130, 2 * 210)),
            weights.require("turnedDown", Shape.of(6, 210, 130)));
    graph.output("turned", graph.transposedExperts(x, gates, turned, Activation.SILU));
    return graph.build();
  }

  @Test
  void aProfileNamesEveryLayerOfASweepAndWhatGatesIt() {
    Value x = g.input("x", DType.F32, 1, 64);
    Value query = g.linear(x, weights.require("q", Shape.of(96, 64)), null);
    Value key = g.linear(x, weights.require("k", Shape.of(32, 64)), null);
    Value gate = g.linear(x, weights.require("gate", Shape.of(80, 64)), null);
    Value up = g.linear(x, weights.require("up", Shape.of(80, 64)), null);
    Value gated = g.gate(Activation.SILU, gate, up);
    g.output("query", query);
    g.output("key", key);
    g.output("gated", gated);
    try (Executable executable = backend.compile(g.build(), weights)) {
      List<Value> seen = new ArrayList<>();
      executable.run((value, nanos) -> seen.add(value));
      assertThat(seen).containsExactly(query, key, gate, up, gated);
    }
  }

  @Test
  void executablesRunOnSeveralThreadsAtOnce() throws InterruptedException {
    Weight w = weights.require("w", Shape.of(96, 96));
    Value x = g.input("x", DType.F32, 40, 96);
    g.output("y", g.activate(Activation.GELU, g.linear(x, w, null)));
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> callers = new ArrayList<>();
    for (int caller = 0; caller < 3; caller++) {
      float scale = caller + 1;
      callers.add(
          Thread.ofPlatform()
              .start(() -> {
                try (Executable executable = backend.compile(g.build(), weights)) {
                  for (int i = 0; i < 40 * 96; i++) {
                    executable.input("x").setFloat(i, scale * (float) Math.sin(i));
                  }
                  executable.run();
                  float[] first = executable.output("y").toFloats();
                  for (int run = 0; run < 20; run++) {
                    executable.run();
                    assertThat(executable.output("y").toFloats()).containsExactly(first);
                  }
                } catch (Throwable e) {
                  failure.set(e);
                }
              }));
    }
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failure).hasNullValue();
  }
}
