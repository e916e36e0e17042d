package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
        what.append(Mutations.change((ObjectNode) changed, random)).append(' ');
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
      Files.write(file, Mutations.damaged(original, new SplittableRandom(seed)));
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
        Files.write(file, Mutations.damaged(original.getBytes(StandardCharsets.UTF_8), random));
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
      byte[] changed = random.nextInt(4) == 0 ? header : Mutations.damaged(header, random);
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
        what.append(Mutations.change((ObjectNode) changed, random)).append(' ');
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
}
