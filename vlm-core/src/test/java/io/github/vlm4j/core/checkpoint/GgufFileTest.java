package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(300)
class GgufFileTest {

  private static final int F32 = 0;
  private static final int Q8_0 = 8;

  @TempDir Path folder;

  @Test
  void readsTheTensorsThatTheReferenceLibraryWrote() throws IOException {
    Path path = SafetensorsBytes.fixture("gguf/types.gguf", folder);
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.names())
          .containsExactly(
              "f32", "f16", "i8", "i32", "i64", "f64", "bf16", "q8_0", "q4_0", "q5_0", "q4_k",
              "q6_k");
      assertThat(file.shape("f32")).isEqualTo(Shape.of(2, 3));
      assertThat(file.tensor("f32").toFloats())
          .containsExactly(0.625f, -0.875f, -0.625f, -0.5f, -0.625f, 0.625f);
      assertThat(file.shape("f16")).isEqualTo(Shape.of(3, 1, 5));
      assertThat(file.tensor("f16").toFloats()).startsWith(0.75f, 0.125f, -1, -0.875f);
      assertThat(file.tensor("bf16").toFloats()).startsWith(-0.25f, 0.8984375f - 0.0234375f, 0);
      assertThat(file.tensor("i8").data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(-1, 0, 7);
      assertThat(file.tensor("i32").toInts()).containsExactly(1, -2);
      assertThat(file.tensor("i64").data().get(Tensor.I64, 0)).isEqualTo(1L << 40);
      assertThat(file.dtype("q8_0")).isEqualTo(DType.Q8_0);
      assertThat(file.shape("q8_0")).isEqualTo(Shape.of(2, 64));
      assertThat(file.bytes("q8_0")).isEqualTo(2 * 2 * 34);
      assertThat(file.tensor("q4_0").data().byteSize()).isEqualTo(2 * 2 * 18);
      assertThat(file.tensor("q4_k").shape()).isEqualTo(Shape.of(2, 256));
      assertThat(file.tensor("q6_k").data().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 160);
      assertThat(file.describe("q6_k")).isEqualTo("\"q6_k\" (Q6_K[1, 256] in types.gguf)");
      assertThat(file.tensor("f32").data().isReadOnly()).isTrue();
    }
  }

  @Test
  void readsTheMetadataThatTheReferenceLibraryWrote() throws IOException {
    try (GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      GgufMetadata metadata = file.metadata();
      assertThat(metadata.keys()).hasSize(25).startsWith("general.architecture");
      assertThat(metadata.text("one.STRING")).isEqualTo("é 名前");
      assertThat(metadata.count("one.UINT8")).isEqualTo(255);
      assertThat(metadata.values())
          .containsEntry("one.INT8", new GgufValue.Whole(GgufValue.WholeType.INT8, -128))
          .containsEntry("one.UINT32", GgufValue.uint32(4294967295L))
          .containsEntry("one.INT16", new GgufValue.Whole(GgufValue.WholeType.INT16, -32768))
          .containsEntry(
              "one.INT64", new GgufValue.Whole(GgufValue.WholeType.INT64, Long.MIN_VALUE))
          .containsEntry(
              "one.UINT64", new GgufValue.Whole(GgufValue.WholeType.UINT64, Long.MAX_VALUE));
      assertThat(metadata.number("one.FLOAT64")).isEqualTo(0.1);
      assertThat(metadata.flagIfPresent("one.BOOL")).contains(true);
      assertThat(metadata.ints("list.UINT8")).containsExactly(0, 255);
      assertThat(metadata.ints("list.INT16")).containsExactly(-32768, 5);
      assertThat(metadata.ints("list.INT32")).containsExactly(-1, 2);
      assertThat(metadata.numbers("list.FLOAT32")).containsExactly(1.5, -2);
      assertThat(metadata.flags("list.BOOL")).containsExactly(true, false, true);
      assertThat(metadata.texts("list.STRING")).containsExactly("", "a", "Ġb");
      assertThat(metadata.textIfPresent("none")).isEmpty();
    }
  }

  @Test
  void wrongMetadataIsNamedWithItsKey() throws IOException {
    try (GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      GgufMetadata metadata = file.metadata();
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> metadata.text("list.STRING"))
          .withMessage("types.gguf: list.STRING must be a text, got a list of 3");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> metadata.count("one.UINT32"))
          .withMessage(
              "types.gguf: one.UINT32 must be a whole number from 0 to 2147483647, got"
                  + " 4294967295");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> metadata.number("none"))
          .withMessage("types.gguf: none is missing; it must be a finite number");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> metadata.ints("list.UINT32"))
          .withMessage(
              "types.gguf: list.UINT32 must be a list of whole numbers of 32 bits, but one is"
                  + " larger");
    }
  }

  @Test
  void listsTensorsOfUnsupportedTypesButRefusesToViewThem() throws IOException {
    try (GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      assertThat(file.storedType("q5_0")).isEqualTo("Q5_0");
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> file.tensor("q5_0"))
          .withMessage(
              "types.gguf: tensor \"q5_0\" is Q5_0[2, 64], a type that is not supported; supported"
                  + " are F32, F16, Q4_0, Q8_0, Q4_K, Q6_K, I8, I32, I64, BF16");
    }
  }

  @Test
  void aClosedFileIsNotRead() throws IOException {
    GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder));
    file.close();
    file.close();
    assertThatIllegalStateException().isThrownBy(() -> file.tensor("f32"));
  }

  @Test
  void aCheckpointMayBeAGgufFile() throws IOException {
    try (Checkpoint checkpoint =
        Checkpoint.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      assertThat(checkpoint.tensor("bf16").shape()).isEqualTo(Shape.of(2, 4));
    }
  }

  @ParameterizedTest
  @MethodSource
  void refusesWhatTheFormatDoesNotAllow(byte[] bytes, String message) throws IOException {
    Path path = Files.write(folder.resolve("bad.gguf"), bytes);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> GgufFile.open(path).close())
        .withMessageStartingWith("bad.gguf")
        .withMessageContaining(message);
  }

  static List<Arguments> refusesWhatTheFormatDoesNotAllow() {
    long huge = 1L << 62;
    return List.of(
        arguments(new byte[0], "ends at byte 0 of its header, within the letters GGUF"),
        arguments("GGML....".getBytes(), "does not begin with the letters GGUF"),
        arguments(new GgufBytes().raw("GGUF").u32(1).done(), "of version 1, but 2 and 3 are"),
        arguments(new GgufBytes().raw("GGUF").u32(4).done(), "of version 4, but 2 and 3 are"),
        arguments(new GgufBytes().raw("GGUF").u32(3 << 24).done(), "big-endian"),
        arguments(GgufBytes.of(-1, 0).done(), "claims 18446744073709551615 tensors"),
        arguments(GgufBytes.of(1000, 0).done(), "claims 1000 tensors, but only"),
        arguments(GgufBytes.of(0, huge).done(), "metadata entries, but at most 65536"),
        arguments(GgufBytes.of(0, 2).done(), "claims 2 metadata entries, but only 0 bytes"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(4).done(),
            "ends at byte 37 of its header, within k"),
        arguments(
            GgufBytes.of(0, 1).u64(huge).u64(0).done(),
            "claims the key of metadata entry 0 of 4611686018427387904 bytes, but at most 65535"),
        arguments(
            GgufBytes.of(0, 1).u64(9).raw("12345").done(), "within the key of metadata entry 0"),
        arguments(GgufBytes.of(0, 1).string("").u32(4).u32(1).done(), "has an empty key"),
        arguments(
            GgufBytes.of(0, 2).string("k").u32(4).u32(1).string("k").u32(4).u32(1).done(),
            "the metadata key \"k\" is there twice"),
        arguments(GgufBytes.of(0, 1).string("k").u32(13).u64(0).done(), "unknown type 13 for k"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(9).u32(9).u64(1).u64(0).done(),
            "unknown type 9 for k"),
        arguments(GgufBytes.of(0, 1).string("k").u32(7).bytes(2).done(), "2 for the truth value"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(10).u64(-1).done(),
            "has 18446744073709551615 for k, more than can be counted"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(8).u64(2).bytes(0xc3, 0x28).done(),
            ": k is not valid UTF-8"),
        arguments(
            GgufBytes.of(0, 1)
                .string("k")
                .u32(9)
                .u32(8)
                .u64(2)
                .u64(1)
                .bytes(0xc3)
                .u64(1)
                .bytes(0xa9)
                .done(),
            ": an entry of k is not valid UTF-8"),
        arguments(
            GgufBytes.of(0, 1)
                .string("k")
                .u32(9)
                .u32(8)
                .u64(2)
                .string("a")
                .u64(1)
                .bytes(0xc3)
                .done(),
            ": an entry of k is not valid UTF-8"),
        arguments(
            GgufBytes.of(0, 1)
                .string("k")
                .u32(9)
                .u32(8)
                .u64(2)
                .string("abcdefgh")
                .u64(3)
                .raw("ab")
                .done(),
            "within an entry of k"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(8).u64(1L << 40).done(),
            "claims k of 1099511627776 bytes, but at most 8388608"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(9).u32(0).u64(huge).done(),
            "claims 4611686018427387904 entries of k, but at most"),
        arguments(
            GgufBytes.of(0, 1).string("k").u32(9).u32(8).u64(100).u64(0).done(),
            "claims 100 entries of k, but only 8 bytes"),
        arguments(
            GgufBytes.of(0, 1).string("general.alignment").u32(4).u32(24).done(),
            ": general.alignment must be a power of two up to 1048576 of the type UINT32, got 24"),
        arguments(
            GgufBytes.of(0, 1).string("general.alignment").u32(5).u32(32).done(),
            "of the type UINT32, got 32"),
        arguments(
            GgufBytes.of(1, 0).tensor("x".repeat(64), F32, 0, 1).data(4),
            "claims the name of tensor 0 of 64 bytes, but at most 63"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 1, 1, 1, 1, 1).data(4), "has 5 dimensions"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, -1).data(4),
            "tensor \"a\" has a dimension of 18446744073709551615"),
        arguments(GgufBytes.of(1, 0).tensor("a", 4, 0, 1).data(4), "unknown element type 4"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 1L << 32, 1L << 32).data(4),
            "has more elements than can be counted"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 1L << 62).data(4),
            "has more bytes than can be counted"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 1L << 60).data(4), "the tensors end at byte"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", Q8_0, 0, 33, 1).data(64),
            "tensor \"a\" of Q8_0[1, 33] has rows of 33 elements, not a whole number of blocks of"
                + " 32"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 32, 1).data(64),
            "begins at byte 32 of the data, but 0 follows from the tensors before it and the"
                + " alignment of 32"),
        arguments(
            GgufBytes.of(2, 0).tensor("a", F32, 0, 1).tensor("b", F32, 4, 1).data(64),
            "tensor \"b\" begins at byte 4 of the data, but 32 follows"),
        arguments(
            GgufBytes.of(2, 0).tensor("a", F32, 0, 1).tensor("b", F32, -32, 1).data(64),
            "begins at byte 18446744073709551584"),
        arguments(
            GgufBytes.of(2, 0).tensor("a", F32, 0, 1).tensor("a", F32, 32, 1).data(64),
            "tensor \"a\" is there twice"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 3).data(11),
            "the tensors end at byte 12 of the data, but the file has 11 bytes of data; it is"
                + " truncated"),
        arguments(
            GgufBytes.of(1, 0).tensor("a", F32, 0, 3).data(33),
            "the tensors end at byte 12 of the data, but the file has 33 bytes of data; it is"
                + " damaged"));
  }

  @Test
  void boundsTheValuesOfAllListsTogether() throws IOException {
    GgufBytes bytes = GgufBytes.of(0, 5);
    for (int i = 0; i < 5; i++) {
      bytes.string("k" + i).u32(9).u32(7).u64(1 << 20).bytes(new int[1 << 20]);
    }
    Path path = Files.write(folder.resolve("bad.gguf"), bytes.done());
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> GgufFile.open(path).close())
        .withMessageContaining("claims 1048576 entries of k4, but at most 0 are allowed");
  }

  @Test
  void theLastTensorNeedNotBePadded() throws IOException {
    for (int bytes : new int[] {12, 13, 32}) {
      Path path =
          Files.write(
              folder.resolve("good.gguf"), GgufBytes.of(1, 0).tensor("a", F32, 0, 3).data(bytes));
      try (GgufFile file = GgufFile.open(path)) {
        assertThat(file.tensor("a").toFloats()).containsExactly(0, 0, 0);
      }
    }
  }

  @Test
  void everyCutOfAFileIsRefused() throws IOException {
    byte[] valid = SafetensorsBytes.fixture("gguf/types.gguf");
    int last = 1 * 210;
    int padding = 32 - last % 32;
    for (int length = 0; length < valid.length - padding; length++) {
      Path path = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(valid, length));
      assertThatExceptionOfType(CheckpointException.class)
          .as("%d bytes", length)
          .isThrownBy(() -> GgufFile.open(path).close());
    }
  }

  @Test
  void mutatedFilesAreRefusedOrReadable() throws IOException {
    byte[] valid = SafetensorsBytes.fixture("gguf/types.gguf");
    int header;
    try (GgufFile file = GgufFile.open(SafetensorsBytes.fixture("gguf/types.gguf", folder))) {
      header = valid.length - (int) file.totalBytes();
    }
    RandomGenerator random = new SplittableRandom(20251128);
    int refused = 0;
    int rounds = 6000;
    for (int i = 0; i < rounds; i++) {
      Path path = Files.write(folder.resolve("m.gguf"), mutate(valid, header, random));
      try (GgufFile file = GgufFile.open(path)) {
        touchAll(file);
      } catch (CheckpointException e) {
        assertThat(e.getMessage())
            .isNotBlank()
            .hasSizeLessThan(800)
            .doesNotContainPattern("\\p{Cntrl}");
        refused++;
      }
    }
    assertThat(refused).isBetween(rounds / 4, rounds - 10);
  }

  private static byte[] mutate(byte[] valid, int header, RandomGenerator random) {
    byte[] bytes = valid.clone();
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int at = random.nextInt(header - 8);
      ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      switch (random.nextInt(6)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> view.putInt(at, random.nextInt(64));
        case 3 -> view.putLong(at, random.nextBoolean() ? -1 : random.nextLong(1L << 34));
        case 4 -> view.putLong(at, Long.MAX_VALUE >>> random.nextInt(63));
        default -> {
          int count = random.nextInt(1, 9);
          System.arraycopy(bytes, at + count, bytes, at, bytes.length - at - count);
          bytes = Arrays.copyOf(bytes, bytes.length - (random.nextBoolean() ? count : 0));
        }
      }
    }
    return bytes;
  }

  private static void touchAll(GgufFile file) {
    for (String name : file.names()) {
      Tensor tensor;
      try {
        tensor = file.tensor(name);
      } catch (CheckpointException e) {
        assertThat(e).hasMessageContaining("a type that is not supported");
        continue;
      }
      long size = tensor.data().byteSize();
      if (size > 0) {
        tensor.data().get(ValueLayout.JAVA_BYTE, 0);
        tensor.data().get(ValueLayout.JAVA_BYTE, size - 1);
      }
    }
  }
}
