package io.github.vlm4j.core.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.WeightSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the interfaces of a backend promise besides numbers. */
final class ContractChecks {

  private static final WeightSource NO_WEIGHTS = new DeclaredWeights(DType.F32);
  private static final int THREADS = 4;
  private static final int RUNS = 8;

  /** One promise. */
  interface Check {
    void of(Backend backend) throws Exception;
  }

  private ContractChecks() {}

  static SequencedMap<String, Check> all() {
    SequencedMap<String, Check> all = new LinkedHashMap<>();
    all.put("says what it is", ContractChecks::describesItself);
    all.put("refuses names that the graph does not have", ContractChecks::refusesUnknownNames);
    all.put("has no input that no output needs", ContractChecks::hasNoDeadInput);
    all.put("refuses a buffer of another shape than the state", ContractChecks::refusesBuffer);
    all.put("refuses to run with an unbound state", ContractChecks::refusesUnboundState);
    all.put("keeps what an input holds between runs", ContractChecks::keepsInputs);
    all.put("allocates zeroed buffers", ContractChecks::allocatesZeros);
    all.put("copies and reads the first rows of buffers", ContractChecks::copiesRows);
    all.put("continues with another bound buffer", ContractChecks::rebinds);
    all.put("profiles values of the graph and computes the same", ContractChecks::profiles);
    all.put("keeps executables apart", ContractChecks::keepsExecutablesApart);
    all.put("serves several threads", ContractChecks::servesThreads);
    return all;
  }

  private static void describesItself(Backend backend) {
    assertThat(backend.name()).isNotBlank();
    assertThat(backend.description()).isNotBlank().doesNotContain("\n");
  }

  private static void refusesUnknownNames(Backend backend) {
    try (Executable executable = backend.compile(doubling(3), NO_WEIGHTS)) {
      executable.run();
      assertThatThrownBy(() -> executable.input("none"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("none");
      assertThatThrownBy(() -> executable.output("none"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("none");
      try (Buffer buffer = backend.allocate(DType.F32, Shape.of(3))) {
        assertThatThrownBy(() -> executable.bind("none", buffer))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("none");
      }
    }
  }

  private static void hasNoDeadInput(Backend backend) {
    GraphBuilder g = new GraphBuilder();
    g.activate(Activation.RELU, g.input("dead", DType.F32, 5));
    Value x = g.input("x", DType.F32, 2);
    g.output("y", x.plus(x));
    try (Executable executable = backend.compile(g.build(), NO_WEIGHTS)) {
      assertThatThrownBy(() -> executable.input("dead"))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static void refusesBuffer(Backend backend) {
    try (Executable executable = backend.compile(appending(4, 1), NO_WEIGHTS);
        Buffer larger = backend.allocate(DType.F32, Shape.of(1, 5, 2));
        Buffer flat = backend.allocate(DType.F32, Shape.of(8))) {
      assertThatThrownBy(() -> executable.bind("state", larger))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> executable.bind("state", flat))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static void refusesUnboundState(Backend backend) {
    try (Executable executable = backend.compile(appending(4, 1), NO_WEIGHTS)) {
      assertThatThrownBy(executable::run)
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("state");
    }
  }

  private static void keepsInputs(Backend backend) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, 4);
    Value h = g.activate(Activation.RELU, x);
    g.output("y", h.plus(x).plus(h));
    try (Executable executable = backend.compile(g.build(), NO_WEIGHTS)) {
      assertThat(executable.input("x").shape()).isEqualTo(Shape.of(4));
      assertThat(executable.activationBytes()).isNotNegative();
      executable.input("x").copyFrom(Tensor.ofFloats(new float[] {1, -2, 3, -4}, 4));
      for (int run = 0; run < 3; run++) {
        executable.run();
        assertThat(executable.output("y").toFloats()).containsExactly(3, -2, 9, -4);
      }
      assertThat(executable.input("x").toFloats()).containsExactly(1, -2, 3, -4);
    }
  }

  private static void allocatesZeros(Backend backend) {
    for (int round = 0; round < 3; round++) {
      try (Buffer buffer = backend.allocate(DType.F32, Shape.of(1, 7, 3))) {
        assertThat(buffer.shape()).isEqualTo(Shape.of(1, 7, 3));
        assertThat(read(buffer, 7)).containsOnly(0);
        append(backend, buffer, 0, 7);
        assertThat(read(buffer, 7)).doesNotContain(0);
      }
    }
  }

  /**
   * Checks that memory of a type keeps what is appended as that type keeps it, also when copied, or
   * that it is refused by name.
   */
  static void allocates(Backend backend, DType dtype, boolean known) {
    Shape shape = Shape.of(2, 4, 256);
    if (!known) {
      assertThatThrownBy(() -> backend.allocate(dtype, shape))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining(dtype.toString());
      return;
    }
    try (Buffer buffer = backend.allocate(dtype, shape);
        Buffer larger = backend.allocate(dtype, shape.with(1, 5));
        Buffer other =
            backend.allocate(dtype == DType.F32 ? DType.BF16 : DType.F32, shape.with(1, 5))) {
      assertThat(buffer.dtype()).isEqualTo(dtype);
      assertThat(read(buffer, 4)).containsOnly(0);
      append(backend, buffer, 1, 3);
      larger.copyRows(buffer, 3);
      for (int head = 0; head < 2; head++) {
        for (int row = 1; row < 4; row++) {
          double[] counting = new double[256];
          for (int i = 0; i < 256; i++) {
            counting[i] = ((row - 1) * 2 + head) * 256 + i + 1;
          }
          double[] stored = StoredNumbers.rounded(dtype, counting);
          int at = (head * 4 + row) * 256;
          assertThat(doubles(read(buffer, 4), at)).containsExactly(stored);
          if (row < 3) {
            assertThat(doubles(read(larger, 4), at)).containsExactly(stored);
          }
        }
      }
      assertThat(read(larger, 1)).containsOnly(0);
      assertThatThrownBy(() -> other.copyRows(buffer, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static double[] doubles(float[] numbers, int at) {
    double[] doubles = new double[256];
    for (int i = 0; i < doubles.length; i++) {
      doubles[i] = numbers[at + i];
    }
    return doubles;
  }

  private static void copiesRows(Backend backend) {
    try (Buffer source = backend.allocate(DType.F32, Shape.of(1, 4, 3));
        Buffer larger = backend.allocate(DType.F32, Shape.of(1, 9, 3))) {
      append(backend, source, 0, 4);
      append(backend, larger, 4, 3);
      larger.copyRows(source, 3);
      assertThat(read(larger, 9))
          .containsExactly(
              1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0);
      assertThat(read(larger, 2)).containsExactly(1, 2, 3, 4, 5, 6);
      assertThat(read(source, 4)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    }
    try (Buffer source = backend.allocate(DType.F32, Shape.of(2, 3, 2));
        Buffer larger = backend.allocate(DType.F32, Shape.of(2, 4, 2))) {
      append(backend, source, 0, 3);
      larger.copyRows(source, 2);
      assertThat(read(larger, 3)).containsExactly(1, 2, 5, 6, 0, 0, 3, 4, 7, 8, 0, 0);
    }
  }

  private static void rebinds(Backend backend) {
    try (Executable executable = backend.compile(appending(4, 1), NO_WEIGHTS);
        Buffer first = backend.allocate(DType.F32, Shape.of(1, 4, 2));
        Buffer second = backend.allocate(DType.F32, Shape.of(1, 4, 2))) {
      executable.input("x").copyFrom(Tensor.ofFloats(new float[] {5, 6}, 1, 1, 2));
      executable.input("position").setInt(0, 1);
      executable.bind("state", first);
      executable.run();
      executable.input("x").copyFrom(Tensor.ofFloats(new float[] {7, 8}, 1, 1, 2));
      executable.input("position").setInt(0, 2);
      executable.bind("state", second);
      executable.run();
      assertThat(executable.output("y").toFloats()).containsExactly(0, 0, 0, 0, 7, 8, 0, 0);
      assertThat(read(first, 4)).containsExactly(0, 0, 5, 6, 0, 0, 0, 0);
      assertThat(read(second, 4)).containsExactly(0, 0, 0, 0, 7, 8, 0, 0);
    }
  }

  private static void profiles(Backend backend) {
    ScenarioBuilder s = new ScenarioBuilder(1);
    TinyVision.addTo(s, DType.BF16, List.of(48), 0);
    Scenario scenario = s.build();
    Scenario.Step step = scenario.steps().get(0);
    try (Executable executable = backend.compile(step.graph(), scenario.weights())) {
      step.inputs().forEach((name, tensor) -> executable.input(name).copyFrom(tensor));
      executable.run();
      float[] plain = executable.output("mixed").toFloats();
      List<Value> seen = new ArrayList<>();
      Thread caller = Thread.currentThread();
      executable.run((value, nanos) -> {
        assertThat(nanos).isNotNegative();
        assertThat(Thread.currentThread()).isSameAs(caller);
        seen.add(value);
      });
      assertThat(executable.output("mixed").toFloats()).containsExactly(plain, within(1e-6f));
      assertThat(step.graph().values()).containsAll(seen);
      assertThat(seen.stream().map(value -> value.op().label())).contains("linear", "attention");
    }
  }

  private static void keepsExecutablesApart(Backend backend) {
    Graph graph = doubling(2);
    Executable first = backend.compile(graph, NO_WEIGHTS);
    try (Executable second = backend.compile(graph, NO_WEIGHTS)) {
      first.input("x").copyFrom(Tensor.ofFloats(new float[] {1, 2}, 2));
      second.input("x").copyFrom(Tensor.ofFloats(new float[] {3, 4}, 2));
      first.run();
      second.run();
      assertThat(first.output("y").toFloats()).containsExactly(2, 4);
      first.close();
      assertThat(second.output("y").toFloats()).containsExactly(6, 8);
      second.run();
      assertThat(second.output("y").toFloats()).containsExactly(6, 8);
    }
  }

  private static void servesThreads(Backend backend) throws Exception {
    ScenarioBuilder s = new ScenarioBuilder(2);
    TinyVision.addTo(s, DType.BF16, List.of(30, 18), 1);
    Scenario scenario = s.build();
    float[] alone = runOnce(backend, scenario);
    Callable<Void> work =
        () -> {
          for (int run = 0; run < RUNS; run++) {
            assertThat(runOnce(backend, scenario)).containsExactly(alone, within(1e-5f));
          }
          return null;
        };
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (Future<Void> done : threads.invokeAll(Collections.nCopies(THREADS, work))) {
        done.get();
      }
    }
  }

  private static float[] runOnce(Backend backend, Scenario scenario) {
    Scenario.Step step = scenario.steps().get(0);
    try (Executable executable = backend.compile(step.graph(), scenario.weights())) {
      step.inputs().forEach((name, tensor) -> executable.input(name).copyFrom(tensor));
      executable.run();
      return executable.output("mixed").toFloats();
    }
  }

  private static Graph doubling(int size) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, size);
    g.output("y", x.plus(x));
    return g.build();
  }

  private static Graph appending(int capacity, int rows) {
    GraphBuilder g = new GraphBuilder();
    Value state = g.state("state", Shape.of(1, capacity, 2));
    Value x = g.input("x", DType.F32, rows, 1, 2);
    g.output("y", g.append(state, x, g.input("position", DType.I32, 1)));
    return g.build();
  }

  /** Writes rows counting from 1 into a buffer. */
  private static void append(Backend backend, Buffer buffer, int position, int rows) {
    GraphBuilder g = new GraphBuilder();
    Value at = g.constant(Tensor.ofInts(new int[] {position}, 1));
    long heads = buffer.shape().dim(0);
    long columns = buffer.shape().last();
    float[] counting = new float[(int) (rows * heads * columns)];
    for (int i = 0; i < counting.length; i++) {
      counting[i] = i + 1;
    }
    Value x = g.constant(Tensor.ofFloats(counting, rows, heads, columns));
    Value after = g.append(g.state("state", buffer.dtype(), buffer.shape()), x, at);
    g.output("y", g.cachedAttention(x.rows(0, 1), after, after, at, 1));
    try (Executable executable = backend.compile(g.build(), NO_WEIGHTS)) {
      executable.bind("state", buffer);
      executable.run();
    }
  }

  private static float[] read(Buffer buffer, int rows) {
    Shape shape = buffer.shape().with(1, rows);
    Tensor target = Tensor.ofFloats(new float[(int) shape.elements()], shape.toArray());
    buffer.read(target);
    return target.toFloats();
  }
}
