package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.vision.image.Image;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Hundreds of spoilt model folders from fixed seeds: each either answers or is refused with a typed
 * exception of one sentence. Nothing hangs, and nothing takes more memory than the test has.
 */
@Timeout(300)
class HostileFolderTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** What sizes, indexes, divisors and names are replaced with. */
  private static final List<String> VALUES =
      List.of(
          "0",
          "-1",
          "1",
          "2",
          "3",
          "7",
          "64",
          "65536",
          "1000000",
          "16777216",
          "2147483647",
          "2147483648",
          "-2147483648",
          "9223372036854775807",
          "18446744073709551616",
          "1e308",
          "1e400",
          "1e-320",
          "-0.0",
          "0.5",
          "1e9",
          "true",
          "false",
          "null",
          "\"\"",
          "\"x\"",
          "\"<|im_start|>\"",
          "\"../../etc\"",
          "[]",
          "{}",
          "[0]",
          "[2147483647, -1]",
          "[[[[[[[[]]]]]]]]",
          "[1, 1, 1]",
          "[1e308, 1e308, 1e308]");

  private static final List<String> TEMPLATE_PIECES =
      List.of(
          "{% for a in range(999999999) %}{% for b in range(999999999) %}x{% endfor %}{% endfor %}",
          "{{ 'x' * 999999999 }}",
          "{{ messages | tojson }}",
          "{{ raise_exception('no') }}",
          "{{ messages.__class__ }}",
          "{% set ns = namespace(x=1) %}{{ ns.x / 0 }}",
          "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
          "{{ ((((((((((((((((1)))))))))))))))) }}",
          "<|image_pad|>",
          "<|video_pad|>",
          "<|im_start|>",
          "{% if",
          "%}",
          "{{",
          "}}",
          "{#",
          "\u0000",
          "\uD83D\uDE00");

  @TempDir Path folder;
  private Path picture;

  @BeforeEach
  void copyModel() throws IOException, URISyntaxException {
    Path model =
        Path.of(
            Objects.requireNonNull(
                    HostileFolderTest.class.getResource("/qwen3vl/tied_one_image/config.json"))
                .toURI());
    try (DirectoryStream<Path> files = Files.newDirectoryStream(model.resolveSibling(""))) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    picture = folder.resolve("picture.png");
  }

  @ParameterizedTest
  @CsvSource({
    "config.json, 160",
    "generation_config.json, 60",
    "preprocessor_config.json, 100",
    "video_preprocessor_config.json, 60",
    "tokenizer_config.json, 30",
    "tokenizer.json, 40"
  })
  void changedFieldsOfAConfiguration(String name, int cases) throws IOException {
    Path file = folder.resolve(name);
    JsonNode original = JSON.readTree(file.toFile());
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      JsonNode changed = original.deepCopy();
      StringBuilder what = new StringBuilder();
      for (int change = 0; change <= random.nextInt(2); change++) {
        what.append(change((ObjectNode) changed, random)).append(' ');
      }
      Files.writeString(file, changed.toString());
      loadAndAsk(name + " seed " + seed + " " + what);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "config.json, 60",
    "generation_config.json, 20",
    "preprocessor_config.json, 30",
    "tokenizer_config.json, 20"
  })
  void changedBytesOfAConfiguration(String name, int cases) throws IOException {
    Path file = folder.resolve(name);
    byte[] original = Files.readAllBytes(file);
    for (int seed = 0; seed < cases; seed++) {
      Files.write(file, damaged(original, new SplittableRandom(seed)));
      loadAndAsk(name + " seed " + seed);
    }
  }

  @ParameterizedTest
  @CsvSource("chat_template.jinja, 100")
  void changedTemplates(String name, int cases) throws IOException {
    Path file = folder.resolve(name);
    String original = Files.readString(file);
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      if (random.nextInt(3) == 0) {
        Files.write(file, damaged(original.getBytes(StandardCharsets.UTF_8), random));
      } else {
        int at = random.nextInt(original.length());
        String piece = TEMPLATE_PIECES.get(random.nextInt(TEMPLATE_PIECES.size()));
        Files.writeString(file, original.substring(0, at) + piece + original.substring(at));
      }
      loadAndAsk(name + " seed " + seed);
    }
  }

  @ParameterizedTest
  @CsvSource("model.safetensors, 80")
  void changedHeadersOfTheWeights(String name, int cases) throws IOException {
    Path file = folder.resolve(name);
    byte[] original = Files.readAllBytes(file);
    int headerLength =
        (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong() + Long.BYTES;
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      byte[] header = Arrays.copyOfRange(original, Long.BYTES, headerLength);
      byte[] changed = random.nextInt(4) == 0 ? header : damaged(header, random);
      long length = random.nextInt(8) == 0 ? random.nextLong() : changed.length;
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.write(
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      bytes.write(changed);
      bytes.write(original, headerLength, original.length - headerLength);
      Files.write(file, bytes.toByteArray());
      loadAndAsk(name + " seed " + seed);
    }
  }

  /** Damaged numbers are no defect of the format: they give an answer or a score that is none. */
  @ParameterizedTest
  @CsvSource("model.safetensors, 40")
  void changedWeights(String name, int cases) throws IOException {
    Path file = folder.resolve(name);
    byte[] original = Files.readAllBytes(file);
    int headerLength =
        (int) ByteBuffer.wrap(original).order(ByteOrder.LITTLE_ENDIAN).getLong() + Long.BYTES;
    int[] patterns = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 1, 0xffffffff};
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      ByteBuffer bytes = ByteBuffer.wrap(original.clone()).order(ByteOrder.LITTLE_ENDIAN);
      int floats = (original.length - headerLength) / Float.BYTES;
      for (int change = 0; change <= random.nextInt(20); change++) {
        bytes.putInt(
            headerLength + random.nextInt(floats) * Float.BYTES,
            patterns[random.nextInt(patterns.length)]);
      }
      Files.write(file, bytes.array());
      loadAndAsk(name + " seed " + seed);
    }
  }

  @Test
  void changedFieldsOfAConfigurationWithoutWeights() throws IOException {
    Path file = folder.resolve("config.json");
    JsonNode original = JSON.readTree(file.toFile());
    Files.delete(folder.resolve("model.safetensors"));
    for (int seed = 0; seed < 500; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      JsonNode changed = original.deepCopy();
      StringBuilder what = new StringBuilder();
      for (int change = 0; change <= random.nextInt(4); change++) {
        what.append(change((ObjectNode) changed, random)).append(' ');
      }
      Files.writeString(file, changed.toString());
      try {
        ModelLayout layout = ModelLayout.read(folder);
        assertThat(layout.modules().parameterCount()).as(what.toString()).isPositive();
        assertThat(layout.modules().byteSize()).as(what.toString()).isPositive();
        assertThat(layout.cacheBytesPerToken()).as(what.toString()).isPositive();
      } catch (VlmException refused) {
        assertThat(refused.getMessage()).isNotBlank();
      } catch (RuntimeException | Error escaped) {
        throw new AssertionError(what.toString(), escaped);
      }
    }
  }

  private void loadAndAsk(String what) {
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      Image image = Image.of(picture);
      model.generate(
          GenerationRequest.builder()
              .message(
                  new Message(
                      Role.USER,
                      List.of(
                          new Part.Picture(image),
                          new Part.Video(List.of(image, image, image), 2),
                          new Part.Text("What is in the picture?"))))
              .maxNewTokens(2)
              .topLogprobs(2)
              .build());
    } catch (VlmException refused) {
      assertThat(refused.getMessage()).as(what).isNotBlank().hasSizeLessThan(2000);
    } catch (RuntimeException | Error escaped) {
      throw new AssertionError(what, escaped);
    }
  }

  /** Replaces or removes a field or an entry anywhere in a document and says which. */
  private static String change(ObjectNode root, SplittableRandom random) throws IOException {
    List<ContainerNode<?>> containers = new ArrayList<>();
    collect(root, containers);
    ContainerNode<?> container = containers.get(random.nextInt(containers.size()));
    JsonNode value = JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
    if (container instanceof ArrayNode array) {
      int at = random.nextInt(array.size());
      array.set(at, value);
      return "[" + at + "]=" + value;
    }
    ObjectNode object = (ObjectNode) container;
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    String name = names.get(random.nextInt(names.size()));
    if (random.nextInt(8) == 0) {
      object.remove(name);
      return "no " + name;
    }
    object.set(name, value);
    return name + "=" + value;
  }

  private static void collect(JsonNode node, List<ContainerNode<?>> containers) {
    if (node instanceof ContainerNode<?> container && !container.isEmpty()) {
      containers.add(container);
    }
    node.forEach(child -> collect(child, containers));
  }

  /** Flips, removes, repeats or cuts off bytes, a few times. */
  private static byte[] damaged(byte[] original, SplittableRandom random) {
    byte[] bytes = original.clone();
    for (int damage = 0; damage <= random.nextInt(4); damage++) {
      int at = random.nextInt(bytes.length);
      int length = Math.min(1 + random.nextInt(16), bytes.length - at);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) "0123456789-{}[],:\"e.".charAt(random.nextInt(20));
        case 2 -> bytes = without(bytes, at, length);
        case 3 -> bytes = repeated(bytes, at, length);
        default -> bytes = random.nextInt(10) == 0 ? Arrays.copyOf(bytes, at + 1) : bytes;
      }
    }
    return bytes;
  }

  private static byte[] without(byte[] bytes, int at, int length) {
    byte[] shorter = new byte[Math.max(1, bytes.length - length)];
    System.arraycopy(bytes, 0, shorter, 0, Math.min(at, shorter.length));
    System.arraycopy(
        bytes, at + length, shorter, Math.min(at, shorter.length), bytes.length - at - length);
    return shorter;
  }

  private static byte[] repeated(byte[] bytes, int at, int length) {
    byte[] longer = new byte[bytes.length + length];
    System.arraycopy(bytes, 0, longer, 0, at + length);
    System.arraycopy(bytes, at, longer, at + length, bytes.length - at);
    return longer;
  }
}
