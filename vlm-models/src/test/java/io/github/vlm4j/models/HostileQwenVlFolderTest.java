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
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Spoilt configurations of Qwen2-VL, Qwen2.5-VL and Qwen3-VL-MoE from fixed seeds: each model
 * either answers or is refused with a typed exception of one sentence.
 */
@Timeout(300)
class HostileQwenVlFolderTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "qwen2_video, config.json, 80",
    "qwen2_video, processor_config.json, 40",
    "qwen2_5_one_image, config.json, 120",
    "qwen2_5_one_image, preprocessor_config.json, 40",
    "qwen3_moe_one_image, config.json, 120"
  })
  void changedFieldsOfAConfiguration(String name, String changedFile, int cases)
      throws IOException, URISyntaxException {
    copy(name);
    Path file = folder.resolve(changedFile);
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
      layOut(what.toString());
    }
  }

  private void copy(String name) throws IOException, URISyntaxException {
    Path model =
        Path.of(
            Objects.requireNonNull(
                    HostileQwenVlFolderTest.class.getResource("/qwenvl/" + name + "/config.json"))
                .toURI());
    try (DirectoryStream<Path> files = Files.newDirectoryStream(model.resolveSibling(""))) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
    Path picture = folder.resolve("picture.png");
    if (!Files.exists(picture)) {
      Files.copy(folder.resolve("frame_0.png"), picture);
    }
  }

  private void loadAndAsk(String what) {
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      Image image = Image.of(folder.resolve("picture.png"));
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

  private void layOut(String what) throws IOException {
    Path alone = Files.createDirectories(folder.resolve("alone"));
    Files.copy(
        folder.resolve("config.json"),
        alone.resolve("config.json"),
        StandardCopyOption.REPLACE_EXISTING);
    try {
      ModelLayout layout = ModelLayout.read(alone);
      assertThat(layout.modules().parameterCount()).as(what).isPositive();
    } catch (VlmException refused) {
      assertThat(refused.getMessage()).as(what).isNotBlank();
    } catch (RuntimeException | Error escaped) {
      throw new AssertionError(what, escaped);
    }
  }
}
