package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Block-quantised tensors in safetensors files. */
class QuantisedTensorsTest {

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void whatIsWrittenIsReadBack(DType type) {
    Shape shape = Shape.of(3, 2, 512);
    byte[] bytes = new byte[(int) Tensor.byteSize(type, shape)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 7);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("blocks", Tensor.of(type, shape, MemorySegment.ofArray(bytes)));
    tensors.put("plain", Tensor.ofFloats(new float[] {1, 2}, 2));
    Path path = folder.resolve("model.safetensors");
    SafetensorsWriter.write(path, tensors, Map.of("note", "kept"));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.dtype("blocks")).isEqualTo(type);
      assertThat(file.shape("blocks")).isEqualTo(shape);
      assertThat(file.storedType("blocks")).isEqualTo(type.name());
      assertThat(file.describe("blocks"))
          .isEqualTo("\"blocks\" (" + type + "[3, 2, 512] in model.safetensors)");
      Tensor read = file.tensor("blocks");
      assertThat(read.shape()).isEqualTo(shape);
      assertThat(read.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
      assertThat(file.tensor("plain").toFloats()).containsExactly(1, 2);
      assertThat(file.metadata()).containsEntry("note", "kept").hasSize(2);
    }
  }

  @Test
  void bytesWithoutATypeAreNotNumbers() throws IOException {
    Path path =
        write("{\"a\": {\"dtype\": \"U8\", \"shape\": [1, 34], \"data_offsets\": [0, 34]}}", 34);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> file.tensor("a"))
          .withMessageContaining("U8[1, 34], a type that is not supported");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "ggml_type:a, Q9_9, U8, 'said to be \"Q9_9\" by the metadata; supported are Q8_0, Q4_0'",
    "ggml_type:a, F32, U8, 'said to be \"F32\" by the metadata'",
    "ggml_type:b, Q8_0, U8, 'said to be Q8_0 by the metadata, but the file does not hold it'",
    "ggml_type:a, Q8_0, I8, 'is I8[1, 34], but the metadata says Q8_0'",
    "ggml_type:a, Q4_0, U8, 'is U8[1, 34], but the metadata says Q4_0, whose rows are bytes (U8), a"
        + " multiple of 18'"
  })
  void metadataThatContradictsTheTensorsIsRefused(
      String key, String type, String stored, String message) throws IOException {
    String header =
        "{\"__metadata__\": {\"%s\": \"%s\"}, \"a\": {\"dtype\": \"%s\", \"shape\": [1, 34], \"data_offsets\": [0, 34]}}"
            .formatted(key, type, stored);
    Path path = write(header, 34);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(path).close())
        .withMessageContaining(message);
  }

  @Test
  void moreElementsThanCanBeCountedAreRefused() throws IOException {
    // No bytes, but as many elements as overflow once a byte stands for several.
    String shape = "[0, 9223372036854775792]";
    String header =
        "{\"__metadata__\": {\"ggml_type:a\": \"Q4_K\"}, \"a\": {\"dtype\": \"U8\", \"shape\": %s, \"data_offsets\": [0, 0]}}"
            .formatted(shape);
    Path path = write(header, 0);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(path).close())
        .withMessageContaining("tensor \"a\"");
  }

  private Path write(String header, int dataBytes) throws IOException {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    return Files.write(folder.resolve("made.safetensors"), bytes.array());
  }
}
