package io.github.vlm4j.models.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Damaged models from a fixed seed: each opens, or is refused with one sentence. */
@Timeout(300)
class HostileGgufTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"qwen3.gguf, 400", "llama2.gguf, 300", "qwen3vl/model.gguf, 200"})
  void damagedMetadataIsRefusedOrHarmless(String name, int rounds) throws Exception {
    Path resources = GgufTextTest.resources();
    Path original = resources.resolve("gguf/" + name);
    byte[] valid = Files.readAllBytes(original);
    int end = indexOf(valid, "blk.0.");
    Path mmproj = original.resolveSibling("mmproj-model.gguf");
    if (Files.exists(mmproj)) {
      Files.copy(mmproj, folder.resolve("mmproj-model.gguf"));
    }
    int refused = refusals(valid, end, rounds, folder.resolve("m.gguf"));
    assertThat(refused).isBetween(rounds / 10, rounds - 1);
  }

  @ParameterizedTest
  @CsvSource({"qwen3vl, 200", "qwen25vl, 200"})
  void damagedVisionMetadataIsRefusedOrHarmless(String name, int rounds) throws Exception {
    Path files = GgufTextTest.resources().resolve("gguf/" + name);
    byte[] valid = Files.readAllBytes(files.resolve("mmproj-model.gguf"));
    Files.copy(files.resolve("model.gguf"), folder.resolve("m.gguf"));
    RandomGenerator random = new SplittableRandom(17);
    int refused = 0;
    for (int i = 0; i < rounds; i++) {
      byte[] bytes = mutated(valid, indexOf(valid, "v.blk.1."), random);
      Files.write(folder.resolve("mmproj-m.gguf"), bytes);
      refused += isRefused(folder.resolve("m.gguf")) ? 1 : 0;
    }
    assertThat(refused).isBetween(rounds / 10, rounds - 1);
  }

  private static int refusals(byte[] valid, int end, int rounds, Path path) throws Exception {
    RandomGenerator random = new SplittableRandom(20251129);
    int refused = 0;
    for (int i = 0; i < rounds; i++) {
      Files.write(path, mutated(valid, end, random));
      refused += isRefused(path) ? 1 : 0;
    }
    return refused;
  }

  private static boolean isRefused(Path path) {
    try (VisionLanguageModel model = VisionLanguageModel.load(path)) {
      model.prompt(List.of(Message.user("seven books")));
      return false;
    } catch (VlmException e) {
      assertThat(e.getMessage()).isNotBlank().doesNotContainPattern("\\p{Cntrl}");
      return true;
    }
  }

  private static byte[] mutated(byte[] valid, int end, RandomGenerator random) {
    byte[] bytes = valid.clone();
    ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int edits = 1 + random.nextInt(2); edits > 0; edits--) {
      int at = 24 + random.nextInt(end - 32);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 2 -> view.putInt(at, random.nextInt(300));
        case 3 -> view.putInt(at, random.nextBoolean() ? -1 : Integer.MAX_VALUE);
        default -> bytes[at] = (byte) ('0' + random.nextInt(70));
      }
    }
    return bytes;
  }

  private static int indexOf(byte[] bytes, String text) {
    return new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
  }
}
