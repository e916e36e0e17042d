package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {

  @TempDir Path folder;

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    Path path = folder.resolve("out.safetensors");
    float[] many = new float[600_001];
    for (int i = 0; i < many.length; i++) {
      many[i] = i;
    }
    try (Arena arena = Arena.ofConfined()) {
      Tensor longs = Tensor.allocate(DType.I64, Shape.of(2), arena);
      longs.data().set(Tensor.I64, 8, Long.MIN_VALUE);
      Tensor bytes = Tensor.allocate(DType.I8, Shape.of(3), arena);
      bytes.data().set(ValueLayout.JAVA_BYTE, 2, (byte) -7);
      Tensor halves = Tensor.allocate(DType.BF16, Shape.of(1, 1), arena);
      halves.data().set(Tensor.BITS16, 0, (short) 0x3fc0);
      SafetensorsWriter.write(
          path,
          Map.of(
              "many", Tensor.ofFloats(many, many.length),
              "ints", Tensor.ofInts(new int[] {1, -2}, 2, 1),
              "longs", longs,
              "bytes", bytes,
              "halves \"é\n", halves,
              "empty", Tensor.ofFloats(new float[0], 0, 5),
              "scalar", Tensor.ofFloats(new float[] {3})),
          Map.of("k", "v\"", "é", ""));
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names())
          .containsExactly("longs", "empty", "ints", "many", "scalar", "halves \"é\n", "bytes");
      assertThat(file.metadata()).isEqualTo(Map.of("k", "v\"", "é", ""));
      assertThat(file.tensor("many").toFloats()).isEqualTo(many);
      assertThat(file.tensor("ints").toInts()).containsExactly(1, -2);
      assertThat(file.shape("ints")).isEqualTo(Shape.of(2, 1));
      assertThat(file.tensor("longs").data().get(Tensor.I64, 8)).isEqualTo(Long.MIN_VALUE);
      assertThat(file.tensor("bytes").data().get(ValueLayout.JAVA_BYTE, 2)).isEqualTo((byte) -7);
      assertThat(file.tensor("halves \"é\n").toFloats()).containsExactly(1.5f);
      assertThat(file.shape("empty")).isEqualTo(Shape.of(0, 5));
      assertThat(file.shape("scalar")).isEqualTo(Shape.of());
      assertThat(file.tensor("many").data().address() % 4).isZero();
      assertThat(file.tensor("longs").data().address() % 8).isZero();
    }
    assertOnly("out.safetensors");
  }

  @Test
  void theBytesDoNotDependOnTheOrderOfTheMap() throws IOException {
    SequencedMap<String, Tensor> forwards = new LinkedHashMap<>();
    forwards.put("a", Tensor.ofFloats(new float[] {1}, 1));
    forwards.put("b", Tensor.ofFloats(new float[] {2}, 1));
    SafetensorsWriter.write(folder.resolve("1"), forwards);
    SafetensorsWriter.write(folder.resolve("2"), forwards.reversed());
    assertThat(folder.resolve("1")).hasSameBinaryContentAs(folder.resolve("2"));
  }

  @Test
  void writesAFileWithoutTensors() {
    Path path = folder.resolve("out.safetensors");
    SafetensorsWriter.write(path, Map.of());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).isEmpty();
    }
  }

  @Test
  void replacesAFileOnlyWhenTheNewOneIsComplete() throws IOException {
    Path path = folder.resolve("out.safetensors");
    SafetensorsWriter.write(path, Map.of("old", Tensor.ofFloats(new float[] {1}, 1)));
    byte[] before = Files.readAllBytes(path);
    Arena arena = Arena.ofConfined();
    Tensor freed = Tensor.allocate(DType.F32, Shape.of(4), arena);
    arena.close();
    assertThatIllegalStateException()
        .isThrownBy(() ->
            SafetensorsWriter.write(
                path, Map.of("a", Tensor.ofFloats(new float[] {1}, 1), "b", freed)));
    assertThat(Files.readAllBytes(path)).isEqualTo(before);
    assertOnly("out.safetensors");

    SafetensorsWriter.write(path, Map.of("new", Tensor.ofFloats(new float[] {2}, 1)));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).containsExactly("new");
    }
    assertOnly("out.safetensors");
  }

  @Test
  void anInterruptLeavesNothingBehind() throws IOException {
    Path path = folder.resolve("out.safetensors");
    Thread.currentThread().interrupt();
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsWriter.write(path, Map.of()))
        .withMessageStartingWith("Cannot write " + path + ": ClosedByInterruptException");
    assertThat(Thread.interrupted()).isTrue();
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aTargetThatCannotBeReplacedIsAnErrorAndLeavesNothingBehind() throws IOException {
    Path path = folder.resolve("out.safetensors");
    Files.createDirectories(path.resolve("inner"));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsWriter.write(path, Map.of()))
        .withMessageStartingWith("Cannot write " + path + ": ");
    assertOnly("out.safetensors");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsWriter.write(folder.resolve("no/out"), Map.of()))
        .withMessageStartingWith("Cannot write " + folder.resolve("no/out") + ": NoSuchFile");
    assertOnly("out.safetensors");
  }

  @Test
  void refusesWhatTheFormatCannotHold() {
    Path path = folder.resolve("out.safetensors");
    Tensor one = Tensor.ofFloats(new float[] {1}, 1);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsWriter.write(path, Map.of("__metadata__", one)))
        .withMessage("Cannot write %s: a tensor cannot be named __metadata__", path);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsWriter.write(path, Map.of("\ud800", one)))
        .withMessage("Cannot write %s: \"\\ud800\" has an unpaired surrogate", path);
    assertThat(folder).isEmptyDirectory();
  }

  private void assertOnly(String name) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactly(name);
    }
  }
}
