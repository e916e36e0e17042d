package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.GgufWriter.TensorInfo;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {

  @TempDir Path folder;

  /** The fixture has an f64 and a Q5_0 tensor, which cannot be read; all others are copied. */
  @Test
  void whatTheReferenceLibraryWroteIsWrittenAgainAsItWas() throws IOException {
    Path copy = folder.resolve("copy.gguf");
    Path again = folder.resolve("again.gguf");
    try (GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      List<String> names =
          file.names().stream()
              .filter(name -> !name.equals("f64") && !name.equals("q5_0"))
              .toList();
      write(copy, file, names);
      try (GgufFile read = GgufFile.open(copy)) {
        assertThat(read.names()).containsExactlyElementsOf(names);
        assertThat(read.metadata().keys()).isEqualTo(file.metadata().keys());
        assertThat(read.metadata().texts("list.STRING"))
            .isEqualTo(file.metadata().texts("list.STRING"));
        for (String name : names) {
          assertThat(read.tensor(name).shape()).isEqualTo(file.tensor(name).shape());
          assertThat(read.tensor(name).data().mismatch(file.tensor(name).data())).isEqualTo(-1);
        }
        write(again, read, names);
      }
    }
    assertThat(again).hasSameBinaryContentAs(copy);
    // Up to the first tensor that is left out everything is as the reference wrote it, but for the
    // number of tensors and what follows from it.
    byte[] theirs = SafetensorsBytes.fixture("gguf/types.gguf");
    byte[] ours = Files.readAllBytes(copy);
    int metadata = 1000;
    assertThat(Arrays.copyOfRange(ours, 16, metadata))
        .isEqualTo(Arrays.copyOfRange(theirs, 16, metadata));
  }

  private static void write(Path path, GgufFile file, List<String> names) {
    List<TensorInfo> tensors =
        names.stream()
            .map(name -> new TensorInfo(name, file.dtype(name), file.shape(name)))
            .toList();
    try (GgufWriter writer = GgufWriter.create(path, file.metadata().values(), tensors)) {
      names.forEach(name -> writer.append(file.tensor(name)));
      writer.commit();
    }
  }

  @Test
  void tensorsMayBeWrittenInPartsAndMayBeEmpty() {
    Path path = folder.resolve("out.gguf");
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    metadata.put("general.alignment", GgufValue.uint32(64));
    metadata.put("k", new GgufValue.Flag(true));
    List<TensorInfo> tensors =
        List.of(
            new TensorInfo("empty", DType.F32, Shape.of(0, 3)),
            new TensorInfo("a", DType.F32, Shape.of(5)),
            new TensorInfo("nothing", DType.F32, Shape.of(0)),
            new TensorInfo("b", DType.F32, Shape.of(2, 1)));
    try (GgufWriter writer = GgufWriter.create(path, metadata, tensors)) {
      writer.append(MemorySegment.ofArray(new float[] {1, 2}));
      writer.append(MemorySegment.ofArray(new float[] {3, 4, 5}));
      writer.append(Tensor.ofFloats(new float[0], 0));
      writer.append(Tensor.ofFloats(new float[] {6, 7}, 2, 1));
      writer.commit();
    }
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.tensor("a").toFloats()).containsExactly(1, 2, 3, 4, 5);
      assertThat(file.tensor("b").toFloats()).containsExactly(6, 7);
      assertThat(file.shape("empty")).isEqualTo(Shape.of(0, 3));
      assertThat(file.metadata().flagIfPresent("k")).contains(true);
    }
  }

  @Test
  void whatIsNotCompleteLeavesNothingBehind() throws IOException {
    Path path = folder.resolve("out.gguf");
    Files.writeString(path, "before");
    try (GgufWriter writer =
        GgufWriter.create(path, Map.of(), List.of(new TensorInfo("a", DType.F32, Shape.of(2))))) {
      writer.append(MemorySegment.ofArray(new float[] {1}));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.append(MemorySegment.ofArray(new float[] {1, 2})));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.append(Tensor.ofFloats(new float[] {1, 2}, 2)));
      assertThatIllegalStateException().isThrownBy(writer::commit);
    }
    assertThat(path).hasContent("before");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
  }

  @Test
  void refusesWhatTheFormatCannotHold() {
    assertRefused(
        Map.of(),
        new TensorInfo("x".repeat(64), DType.F32, Shape.of(1)),
        "has a name of more than 63 bytes");
    assertRefused(
        Map.of(), new TensorInfo("a", DType.F32, Shape.of(1, 1, 1, 1, 1)), "more than 4 dim");
    assertRefused(
        Map.of(),
        new TensorInfo("a", DType.Q4_K, Shape.of(2, 128)),
        "tensor \"a\" has rows of 128 elements, not a whole number of Q4_K blocks of 256");
    assertRefused(
        Map.of("", new GgufValue.Flag(true)),
        new TensorInfo("a", DType.F32, Shape.of(1)),
        "the key \"\" is empty or too long");
    assertRefused(
        Map.of("k", new GgufValue.Text("\ud800")),
        new TensorInfo("a", DType.F32, Shape.of(1)),
        "\"\\ud800\" has an unpaired surrogate");
    assertRefused(
        Map.of("general.alignment", GgufValue.uint32(3)),
        new TensorInfo("a", DType.F32, Shape.of(1)),
        "general.alignment must be a power of two");
    assertThat(folder).isEmptyDirectory();
  }

  private void assertRefused(Map<String, GgufValue> metadata, TensorInfo tensor, String message) {
    Path path = folder.resolve("out.gguf");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> GgufWriter.create(path, metadata, List.of(tensor)).close())
        .withMessageStartingWith("Cannot write " + path + ": ")
        .withMessageContaining(message);
  }
}
