package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Thousands of damaged PyTorch files from fixed seeds: each is either refused with a {@link
 * CheckpointException} or can be read from end to end.
 */
@Timeout(300)
class PyTorchFuzzTest {

  private static final int ROUNDS = 600;

  /** What is spliced in beside random bytes: opcodes, and numbers that arithmetic stumbles over. */
  private static final List<String> SPLICES =
      List.of(
          "(",
          "}",
          "]",
          ")",
          "N",
          "t",
          "u",
          "s",
          "R",
          "b",
          "Q",
          "q\0",
          "h\0",
          "h\1R",
          "h\2)R",
          "K\u00ff",
          "J\u00ff\u00ff\u00ff\u00ff",
          "J\0\0\0\u0080",
          "\u008a\b\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
          "\u008a\b\0\0\0\0\0\0\0\u0080",
          "\u008a\t\0\0\0\0\0\0\0\0\1",
          "\u0085",
          "\u0086",
          "\u0081",
          "\u0094",
          "\u0093",
          "cos\nsystem\n",
          "ctorch\nDoubleStorage\n",
          "ctorch\nByteStorage\n",
          "ccollections\nOrderedDict\n",
          "U\0010",
          "U\0011",
          ".",
          "\0\0\0\0",
          "\u00ff\u00ff",
          "\u00ff\u00ff\u00ff\u00ff",
          "\u00ff\u00ff\u00ff\u007f",
          "PK\1\2",
          "PK\3\4",
          "PK\5\6");

  @TempDir Path folder;

  /** Bytes are exchanged anywhere in the file, so that the headers of the archive are hit too. */
  @ParameterizedTest
  @ValueSource(
      strings = {"protocol2.pt", "protocol5.pt", "zip64.pt", "deflated_pickle.pt", "views.pt"})
  void damagedFilesAreRefusedOrReadable(String name) throws IOException {
    byte[] valid = SafetensorsBytes.fixture("pytorch/" + name);
    RandomGenerator random = new SplittableRandom(20250802);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      byte[] bytes = valid.clone();
      for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
        byte[] splice = splice(random);
        // Half of the damage is to the directory, which is at the end.
        int from = random.nextBoolean() ? 0 : bytes.length * 3 / 4;
        int at = random.nextInt(from, bytes.length);
        System.arraycopy(splice, 0, bytes, at, Math.min(splice.length, bytes.length - at));
      }
      refused += refuses(bytes) ? 1 : 0;
    }
    assertThat(refused).isBetween(ROUNDS / 10, ROUNDS - 10);
  }

  /** The pickle is changed and packed again without a fault, so that only its reader can object. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "protocol2.pt",
        "protocol4.pt",
        "views.pt",
        "types.pt",
        "parameters.pt",
        "training.pt",
        "training5.pt",
        "data_parallel.pth",
        "scripted.pt",
        "traced.pt"
      })
  void changedPicklesAreRefusedOrReadable(String name) throws IOException {
    Map<String, byte[]> files = unpacked(SafetensorsBytes.fixture("pytorch/" + name));
    String key = files.keySet().stream().filter(k -> k.endsWith("/data.pkl")).findFirst().get();
    byte[] valid = files.get(key);
    RandomGenerator random = new SplittableRandom(20250803);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      files.put(key, mutate(valid, random));
      refused += refuses(PickleBombs.stored(files)) ? 1 : 0;
    }
    assertThat(refused).isBetween(ROUNDS / 2, ROUNDS - 10);
  }

  private boolean refuses(byte[] bytes) throws IOException {
    Path path = Files.write(folder.resolve("m.pt"), bytes);
    try (PyTorchFile file = PyTorchFile.open(path)) {
      assertThat(file.names()).isNotEmpty();
      file.metadata().forEach((key, value) -> assertThat(key + value).isNotNull());
      for (String name : file.names()) {
        touch(file, name);
      }
      return false;
    } catch (CheckpointException e) {
      assertThat(e.getMessage())
          .startsWith("m.pt")
          .hasSizeLessThan(900)
          .doesNotContainPattern("\\p{Cntrl}");
      return true;
    }
  }

  private static void touch(PyTorchFile file, String name) {
    assertThat(file.bytes(name)).isNotNegative();
    assertThat(file.describe(name)).isNotEmpty();
    Tensor tensor;
    try {
      tensor = file.tensor(name);
    } catch (CheckpointException e) {
      assertThat(e).hasMessageContaining("a type that is not supported");
      return;
    }
    long size = tensor.data().byteSize();
    assertThat(size).isEqualTo(file.bytes(name));
    if (size > 0) {
      tensor.data().get(ValueLayout.JAVA_BYTE, 0);
      tensor.data().get(ValueLayout.JAVA_BYTE, size - 1);
    }
  }

  private static byte[] mutate(byte[] valid, RandomGenerator random) {
    byte[] bytes = valid;
    for (int edits = 1 + random.nextInt(3); edits > 0 && bytes.length > 2; edits--) {
      int at = random.nextInt(bytes.length);
      int length = Math.min(random.nextInt(1, 9), bytes.length - at);
      byte[] replacement =
          switch (random.nextInt(4)) {
            case 0 -> new byte[0];
            case 1 ->
                Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + random.nextInt(1, 60)));
            default -> splice(random);
          };
      int removed = random.nextBoolean() ? Math.min(length, replacement.length) : 0;
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(bytes, 0, at);
      out.writeBytes(replacement);
      out.write(bytes, at + removed, bytes.length - at - removed);
      bytes = out.toByteArray();
    }
    return bytes;
  }

  private static byte[] splice(RandomGenerator random) {
    return random.nextInt(3) == 0
        ? PickleBombs.latin(SPLICES.get(random.nextInt(SPLICES.size())))
        : new byte[] {(byte) random.nextInt(256)};
  }

  private Map<String, byte[]> unpacked(byte[] packed) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(Files.write(folder.resolve("packed"), packed).toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        files.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
      }
    }
    return files;
  }
}
