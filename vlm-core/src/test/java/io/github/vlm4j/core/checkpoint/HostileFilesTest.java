package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of damaged files from fixed seeds: each is either refused with a {@link
 * CheckpointException} or can be read from end to end.
 */
@Timeout(300)
class HostileFilesTest {

  /** What is spliced in beside random bytes: what parsers and arithmetic stumble over. */
  private static final List<String> SPLICES =
      List.of(
          "{",
          "}",
          "[",
          "]",
          ",",
          ":",
          "\"",
          "0",
          "-1",
          "1.5",
          "1e9",
          "null",
          "true",
          " ",
          "\0",
          "9223372036854775807",
          "9223372036854775808",
          "18446744073709551615",
          "4294967296",
          "2147483648",
          "[[[[[[[[",
          "{\"a\":{",
          "\\",
          "\\ud800",
          "\u001b[2J",
          "/../",
          "F64",
          "BOOL",
          "\"shape\":[0]",
          "__metadata__",
          "NaN",
          "é");

  @TempDir Path folder;

  @Test
  void mutatedSafetensorsAreRefusedOrReadable() throws IOException {
    byte[] valid = SafetensorsBytes.fixture("types.safetensors");
    int header = 8 + (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    RandomGenerator random = new SplittableRandom(20250801);
    int refused = 0;
    int rounds = 4000;
    for (int i = 0; i < rounds; i++) {
      Path path = folder.resolve("m.safetensors");
      byte[] bytes = mutateHeader(valid, header, random);
      Files.write(path, bytes);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        touchAll(file);
      } catch (CheckpointException e) {
        assertSentence(e);
        refused++;
      }
    }
    assertThat(refused).isBetween(rounds / 2, rounds - 10);
  }

  @Test
  void mutatedIndexesAreRefusedOrReadable() throws IOException {
    SafetensorsBytes.fixture("sharded/model-00001-of-00002.safetensors", folder);
    SafetensorsBytes.fixture("sharded/model-00002-of-00002.safetensors", folder);
    byte[] valid = SafetensorsBytes.fixture("sharded/" + Checkpoint.INDEX_FILE);
    RandomGenerator random = new SplittableRandom(7);
    int refused = 0;
    int rounds = 2000;
    for (int i = 0; i < rounds; i++) {
      Files.write(folder.resolve(Checkpoint.INDEX_FILE), mutate(valid, 0, valid.length, random));
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        for (String name : checkpoint.names()) {
          checkpoint.tensor(name);
        }
      } catch (CheckpointException e) {
        assertSentence(e);
        refused++;
      }
    }
    assertThat(refused).isBetween(rounds / 2, rounds - 10);
  }

  @Test
  void mutatedConfigurationsAreRefusedOrReadable() throws IOException {
    byte[] valid =
        """
        {"text_config": {"hidden_size": 2048, "rms_norm_eps": 1e-06, "rope_theta": 5000000,
        "mrope_section": [24, 20, 20], "tie": true, "act": "silu"}}
        """
            .getBytes(StandardCharsets.UTF_8);
    RandomGenerator random = new SplittableRandom(11);
    int refused = 0;
    int rounds = 2000;
    for (int i = 0; i < rounds; i++) {
      Path path = folder.resolve("config.json");
      Files.write(path, mutate(valid, 0, valid.length, random));
      try {
        ConfigNode text = ConfigNode.read(path).object("text_config");
        text.positiveInt("hidden_size");
        text.positiveDouble("rms_norm_eps");
        text.doubleOr("rope_theta", 1);
        text.ints("mrope_section");
        text.booleanOr("tie", false);
        text.string("act");
      } catch (CheckpointException e) {
        assertSentence(e);
        refused++;
      }
    }
    assertThat(refused).isBetween(rounds / 2, rounds - 10);
  }

  private static void assertSentence(CheckpointException e) {
    assertThat(e.getMessage())
        .isNotBlank()
        .hasSizeLessThan(800)
        .doesNotContainPattern("\\p{Cntrl}");
  }

  private static void touchAll(SafetensorsFile file) {
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

  /**
   * Half of the time the stated length is made to fit the changed header, to get past that check.
   */
  private static byte[] mutateHeader(byte[] valid, int header, RandomGenerator random) {
    int from = random.nextInt(10) == 0 ? 0 : 8;
    byte[] bytes = mutate(valid, from, header, random);
    if (from == 8 && random.nextBoolean()) {
      ByteBuffer.wrap(bytes)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(0, header - 8 + bytes.length - valid.length);
    }
    return bytes;
  }

  private static byte[] mutate(byte[] valid, int from, int to, RandomGenerator random) {
    byte[] bytes = valid.clone();
    int end = to;
    for (int edits = 1 + random.nextInt(3); edits > 0 && end > from + 1; edits--) {
      int at = random.nextInt(from, end);
      int length = Math.min(random.nextInt(1, 9), end - at);
      byte[] replacement =
          switch (random.nextInt(5)) {
            case 0 -> new byte[] {(byte) random.nextInt(256)};
            case 1 -> new byte[] {(byte) ('0' + random.nextInt(10))};
            case 2 -> new byte[0];
            case 3 -> Arrays.copyOfRange(bytes, at, Math.min(end, at + random.nextInt(1, 60)));
            default -> SPLICES.get(random.nextInt(SPLICES.size())).getBytes(StandardCharsets.UTF_8);
          };
      int removed = replacement.length == 1 ? 1 : random.nextBoolean() ? length : 0;
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(bytes, 0, at);
      out.writeBytes(replacement);
      out.write(bytes, at + removed, bytes.length - at - removed);
      bytes = out.toByteArray();
      end += replacement.length - removed;
    }
    return bytes;
  }
}
