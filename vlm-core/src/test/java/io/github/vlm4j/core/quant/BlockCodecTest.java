package io.github.vlm4j.core.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.vlm4j.core.checkpoint.SafetensorsFile;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Against what ggml and the Python package gguf make of the same numbers and blocks. */
class BlockCodecTest {

  @TempDir Path folder;
  private SafetensorsFile reference;

  @BeforeEach
  void open() throws IOException {
    Path path = folder.resolve("blocks.safetensors");
    try (InputStream in = BlockCodecTest.class.getResourceAsStream("blocks.safetensors")) {
      Files.copy(in, path);
    }
    reference = SafetensorsFile.open(path);
  }

  @AfterEach
  void close() {
    reference.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void numbersBecomeTheBlocksThatGgmlMakesOfThem(DType type) {
    float[] numbers = reference.tensor("numbers").toFloats();
    byte[] blocks = new byte[(int) type.bytes(numbers.length)];
    BlockCodec.of(type)
        .encode(
            numbers, 0, numbers.length / type.blockElements(), MemorySegment.ofArray(blocks), 0);
    assertThat(blocks).isEqualTo(bytes(reference.tensor(type + ".blocks")));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void blocksMeanWhatTheReferenceSays(DType type) {
    float[] meaning = reference.tensor(type + ".meaning").toFloats();
    MemorySegment blocks = reference.tensor(type + ".anything").data();
    float[] decoded = new float[meaning.length];
    BlockCodec codec = BlockCodec.of(type);
    codec.decode(blocks, 0, meaning.length / type.blockElements(), decoded, 0);
    assertThat(decoded).isEqualTo(meaning);
    for (int i = 0; i < meaning.length; i++) {
      int block = i / type.blockElements();
      assertThat(codec.decode(blocks, (long) block * type.blockBytes(), i % type.blockElements()))
          .isEqualTo(meaning[i]);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_K", "Q6_K"})
  void blocksMayLieAnywhere(DType type) {
    float[] numbers = reference.tensor("numbers").toFloats();
    int size = type.blockElements();
    BlockCodec codec = BlockCodec.of(type);
    byte[] whole = new byte[3 * type.blockBytes()];
    codec.encode(numbers, 5, 3, MemorySegment.ofArray(whole), 0);
    byte[] shifted = new byte[whole.length + 7];
    codec.encode(numbers, 5, 1, MemorySegment.ofArray(shifted), 7);
    codec.encode(numbers, 5 + size, 2, MemorySegment.ofArray(shifted), 7 + type.blockBytes());
    assertThat(MemorySegment.ofArray(shifted).asSlice(7).toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(whole);
    float[] decoded = new float[3 * size + 2];
    codec.decode(MemorySegment.ofArray(shifted), 7, 3, decoded, 2);
    float[] plain = new float[3 * size];
    codec.decode(MemorySegment.ofArray(whole), 0, 3, plain, 0);
    assertThat(decoded).startsWith(0, 0).endsWith(plain);
  }

  @Test
  void plainTypesHaveNoBlocks() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BlockCodec.of(DType.BF16))
        .withMessage("BF16 is not stored in blocks");
  }

  private static byte[] bytes(Tensor tensor) {
    return tensor.data().toArray(ValueLayout.JAVA_BYTE);
  }
}
