package io.github.vlm4j.backend.tornado.device;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendDevice;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What lies on the device: kept when more is needed, refused when there is no room, given back. */
@NeedsSdk
final class MemoryTest {

  private static final long MEBI = 1 << 20;

  private final TornadoBackendProvider provider = new TornadoBackendProvider();

  @Test
  void whatLiesOnTheDeviceOutlivesTheGrowthOfItsHeap() {
    try (Backend backend = provider.open(BackendOptions.DEFAULT);
        Executable executable = backend.compile(appending(), new RandomWeights(DType.F32));
        Buffer state = backend.allocate(DType.F32, Shape.of(1, 4, 2))) {
      executable.bind("state", state);
      executable.input("x").copyFrom(Tensor.ofFloats(new float[] {5, 6}, 1, 1, 2));
      executable.run();
      try (Buffer large = backend.allocate(DType.F32, Shape.of(1, 24 * MEBI, 1))) {
        assertThat(large.shape().elements()).isEqualTo(24 * MEBI);
        executable.run();
        assertThat(executable.output("y").toFloats()).containsExactly(5, 6, 0, 0, 0, 0, 0, 0);
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsSent() {
    long memory = provider.devices().getFirst().memoryBytes();
    try (Backend backend = provider.open(BackendOptions.DEFAULT)) {
      assertThatThrownBy(() -> backend.allocate(DType.F32, Shape.of(1, memory / 4, 1)))
          .isInstanceOf(BackendException.class)
          .hasMessageMatching(
              "A buffer of F32.* needs \\d+ MiB on .*, where \\d+ MiB of \\d+ MiB .*");
      try (Buffer small = backend.allocate(DType.F32, Shape.of(1, 4, 2))) {
        assertThat(small.shape()).isEqualTo(Shape.of(1, 4, 2));
      }
    }
  }

  @Test
  void aModelThatDoesNotFitIsRefusedBeforeAnyOfItIsSent(@TempDir Path folder) throws IOException {
    long gibi = 1 << 30;
    int matrices = (int) (provider.devices().getFirst().memoryBytes() / (4 * gibi)) + 1;
    try (FileChannel file = FileChannel.open(folder.resolve("zeros"), CREATE, WRITE, READ);
        Arena arena = Arena.ofConfined();
        Backend backend = provider.open(BackendOptions.DEFAULT)) {
      // Nothing is ever read of it, so that it takes no room anywhere.
      file.write(ByteBuffer.allocate(1), 4 * gibi - 1);
      MemorySegment zeros = file.map(FileChannel.MapMode.READ_ONLY, 0, 4 * gibi, arena);
      Tensor tensor = Tensor.of(DType.F32, Shape.of(1 << 15, 1 << 15), zeros);
      GraphBuilder g = new GraphBuilder();
      Value x = g.input("x", DType.F32, 1, 1 << 15);
      for (int i = 0; i < matrices; i++) {
        x = g.linear(x, Weight.of("w" + i, DType.F32, tensor.shape()), null);
      }
      g.output("y", x);

      assertThatThrownBy(() -> backend.compile(g.build(), new OneTensor(tensor)))
          .isInstanceOf(BackendException.class)
          // And less than a mebibyte between them.
          .hasMessageContaining("The model of this graph needs " + (matrices * 4096 + 1) + " MiB");
    }
  }

  /** The same tensor under every name. */
  private record OneTensor(Tensor tensor) implements WeightSource {

    @Override
    public boolean contains(String name) {
      return true;
    }

    @Override
    public Weight require(String name, Shape expected) {
      return Weight.of(name, tensor.dtype(), expected);
    }

    @Override
    public Tensor tensor(String name) {
      return tensor;
    }
  }

  @Test
  void devicesAreListedAndCanBeChosen() {
    BackendDevice device = provider.devices().getFirst();
    assertThat(device.memoryBytes()).isPositive();
    try (Backend backend = provider.open(BackendOptions.DEFAULT.withDevice(device.id()))) {
      assertThat(backend.description()).contains(device.description());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void nothingIsLeftAfterManyModels() throws IOException {
    RandomWeights weights = new RandomWeights(DType.F32);
    long early = 0;
    for (int round = 0; round < 100; round++) {
      // Each fifth does not fit the heap as it is at first.
      loadAndRun(weights, round % 5 == 0 ? 6 << 10 : 1 << 10);
      if (round == 19) {
        early = residentBytes();
      }
    }
    // The sixteen large ones take 144 MiB each, on the host and on the device.
    assertThat(residentBytes() - early).isLessThan(800 * MEBI);
  }

  private void loadAndRun(RandomWeights weights, int columns) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, 1, columns);
    g.output("y", g.linear(x, weights.require("w" + columns, Shape.of(6 << 10, columns)), null));
    try (Backend backend = provider.open(BackendOptions.DEFAULT);
        Executable executable = backend.compile(g.build(), weights)) {
      executable.run();
      assertThat(executable.output("y").toFloats()).containsOnly(0f);
    }
  }

  private static Graph appending() {
    GraphBuilder g = new GraphBuilder();
    Value state = g.state("state", Shape.of(1, 4, 2));
    Value x = g.input("x", DType.F32, 1, 1, 2);
    g.output("y", g.append(state, x, g.input("position", DType.I32, 1)));
    return g.build();
  }

  private static long residentBytes() throws IOException {
    String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ", -1);
    return Long.parseLong(pages[1]) * 4096;
  }
}
