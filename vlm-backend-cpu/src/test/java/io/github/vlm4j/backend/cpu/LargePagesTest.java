package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

final class LargePagesTest {

  private static final int COLUMNS = 1 << 20;

  @TempDir Path folder;

  /** Two weights of 32 MiB and one of 512 bytes between them, where a page begins with neither. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void linuxIsAskedForAllMappedWeightsOfALargeModel() throws IOException {
    assumeThat(Path.of("/sys/kernel/mm/transparent_hugepage")).exists();
    long large = 8L * COLUMNS * Float.BYTES;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment file = mapped(2 * large + 512 + 64, arena);
      Mapped weights =
          new Mapped(
              List.of(
                  file.asSlice(64, large),
                  file.asSlice(64 + large, 512),
                  file.asSlice(64 + large + 512, large)));
      assertThat(flags(file.address())).doesNotContain("hg");

      LargePages.askFor(graph(weights), weights);

      assertThat(flags(file.address())).contains("hg");
      assertThat(flags(file.address() + file.byteSize() - 1)).contains("hg");
      assertThat(flags(file.address() + 64 + large)).contains("hg");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatLiesBetweenWeightsThatAreFarApartIsNotAskedFor() throws IOException {
    assumeThat(Path.of("/sys/kernel/mm/transparent_hugepage")).exists();
    long part = 40L * COLUMNS;
    try (Arena arena = Arena.ofShared()) {
      MemorySegment file = mapped(3 * part, arena);
      Mapped weights = new Mapped(List.of(file.asSlice(2 * part, part), file.asSlice(0, part)));

      LargePages.askFor(graph(weights), weights);

      assertThat(flags(file.address())).contains("hg");
      assertThat(flags(file.address() + part + part / 2)).doesNotContain("hg");
      assertThat(flags(file.address() + 2 * part)).contains("hg");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void itIsNotAskedForASmallModelNorForWeightsInArrays() throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment file = mapped(64L * COLUMNS, arena);
      MemorySegment array = MemorySegment.ofArray(new float[8 * COLUMNS]);
      Mapped weights = new Mapped(List.of(file.asSlice(0, 32L * COLUMNS), array));

      LargePages.askFor(graph(weights), weights);

      assertThat(flags(file.address())).doesNotContain("hg");
    }
  }

  private MemorySegment mapped(long bytes, Arena arena) throws IOException {
    Path path = folder.resolve("weights");
    try (FileChannel channel =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), bytes - 1);
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
    }
  }

  private static Graph graph(Mapped weights) {
    GraphBuilder g = new GraphBuilder();
    for (int i = 0; i < weights.data.size(); i++) {
      g.output("y" + i, g.parameter(weights.require(String.valueOf(i), Shape.of())));
    }
    return g.build();
  }

  /** Returns what the kernel says of the mapping at an address. */
  private static List<String> flags(long address) throws IOException {
    boolean inside = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      String[] words = line.split("[ -]", 3);
      if (!words[0].endsWith(":")) {
        inside =
            Long.parseUnsignedLong(words[0], 16) <= address
                && address < Long.parseUnsignedLong(words[1], 16);
      } else if (inside && words[0].equals("VmFlags:")) {
        return List.of(line.split(" "));
      }
    }
    throw new AssertionError("Nothing is mapped at " + Long.toHexString(address));
  }

  /** Weights named by their index. */
  private record Mapped(List<MemorySegment> data) implements WeightSource {

    @Override
    public boolean contains(String name) {
      return true;
    }

    @Override
    public Weight require(String name, Shape expected) {
      return Weight.of(name, DType.F32, tensor(name).shape());
    }

    @Override
    public Tensor tensor(String name) {
      MemorySegment bytes = data.get(Integer.parseInt(name));
      return Tensor.of(DType.F32, Shape.of(bytes.byteSize() / Float.BYTES), bytes);
    }
  }
}
