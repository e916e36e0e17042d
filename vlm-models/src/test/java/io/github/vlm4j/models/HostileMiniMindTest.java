package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Spoilt configurations of models that are put together from several files: each model answers or
 * is refused with a typed exception.
 */
@Timeout(300)
class HostileMiniMindTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private static Path resource(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(HostileMiniMindTest.class.getResource("/minimindv/" + name))
              .toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "a_folder, vision-clip, config.json, 60",
    "b_folder, vision-clip, config.json, 60",
    "e_folder, vision-siglip, config.json, 60",
    "e_folder, vision-siglip, tokenizer_config.json, 20"
  })
  void changedFieldsOfTheModelsConfiguration(String model, String vision, String name, int cases)
      throws IOException {
    copy(resource(model));
    ModelParts parts = ModelParts.of(folder).withVisionModel(resource(vision));
    change(folder.resolve(name), cases, parts, resource(model));
  }

  @ParameterizedTest
  @CsvSource({
    "c_dense, vision-naflex, config.json, 40",
    "c_dense, vision-naflex, preprocessor_config.json, 40",
    "d_dense, vision-siglip, config.json, 40",
    "b_dense, vision-clip, config.json, 40"
  })
  void changedFieldsOfTheVisionModelsConfiguration(
      String model, String vision, String name, int cases) throws IOException {
    copy(resource(vision));
    String tokenizer = model.startsWith("b") ? "cut-b" : "cut-e";
    ModelParts parts =
        ModelParts.of(resource(model).resolve("sft_vlm_32.pth"))
            .withVisionModel(folder)
            .withTokenizer(resource(tokenizer));
    change(folder.resolve(name), cases, parts, resource(model));
  }

  private static void change(Path file, int cases, ModelParts parts, Path pictures)
      throws IOException {
    JsonNode original = JSON.readTree(file.toFile());
    Path picture;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(pictures, "*.png")) {
      picture = files.iterator().next();
    }
    for (int seed = 0; seed < cases; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      JsonNode changed = original.deepCopy();
      StringBuilder what = new StringBuilder(file.getFileName() + " seed " + seed + " ");
      for (int change = 0; change <= random.nextInt(2); change++) {
        what.append(Mutations.change((ObjectNode) changed, random)).append(' ');
      }
      Files.writeString(file, changed.toString());
      loadAndAsk(what.toString(), parts, picture);
    }
  }

  private static void loadAndAsk(String what, ModelParts parts, Path picture) {
    try (VisionLanguageModel model = VisionLanguageModel.load(parts, LoadOptions.DEFAULT)) {
      model.generate(
          GenerationRequest.builder()
              .message(Message.user(Image.of(picture), "What is this?"))
              .maxNewTokens(2)
              .build());
    } catch (VlmException refused) {
      assertThat(refused.getMessage()).as(what).isNotBlank().hasSizeLessThan(2000);
    } catch (RuntimeException | Error escaped) {
      throw new AssertionError(what, escaped);
    }
  }

  private void copy(Path from) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(from)) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
  }
}
