package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.models.chat.GenerationRequest;
import io.github.vlm4j.models.chat.Message;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Spoilt LLaVA folders from fixed seeds: each either answers or is refused in one sentence. */
@Timeout(300)
class HostileLlavaFolderTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private void copy(String model) throws IOException, URISyntaxException {
    Path config =
        Path.of(
            Objects.requireNonNull(
                    HostileLlavaFolderTest.class.getResource("/llava/" + model + "/config.json"))
                .toURI());
    try (DirectoryStream<Path> files = Files.newDirectoryStream(config.resolveSibling(""))) {
      for (Path file : files) {
        if (!file.getFileName().toString().startsWith("expected")) {
          Files.copy(file, folder.resolve(file.getFileName()));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "clip_mistral_window, config.json, 200",
    "clip_mistral_window, processor_config.json, 60",
    "clip_mistral_window, preprocessor_config.json, 80",
    "clip_mistral_window, tokenizer_config.json, 30",
    "clip_mistral_window, generation_config.json, 20",
    "next_clip_mistral, config.json, 100",
    "next_clip_mistral, preprocessor_config.json, 100"
  })
  void changedFieldsOfAConfiguration(String model, String name, int cases)
      throws IOException, URISyntaxException {
    copy(model);
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
  @ValueSource(strings = {"clip_mistral_window", "next_siglip_llama"})
  void changedFieldsOfAConfigurationWithoutWeights(String model)
      throws IOException, URISyntaxException {
    copy(model);
    Path file = folder.resolve("config.json");
    JsonNode original = JSON.readTree(file.toFile());
    Files.delete(folder.resolve("model.safetensors"));
    for (int seed = 0; seed < 250; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      JsonNode changed = original.deepCopy();
      StringBuilder what = new StringBuilder();
      for (int change = 0; change <= random.nextInt(4); change++) {
        what.append(Mutations.change((ObjectNode) changed, random)).append(' ');
      }
      Files.writeString(file, changed.toString());
      try {
        assertThat(ModelLayout.read(folder).modules().parameterCount())
            .as(what.toString())
            .isPositive();
      } catch (VlmException refused) {
        assertThat(refused.getMessage()).isNotBlank();
      } catch (RuntimeException | Error escaped) {
        throw new AssertionError(what.toString(), escaped);
      }
    }
  }

  private void loadAndAsk(String what) {
    Path picture = folder.resolve("picture.png");
    try (VisionLanguageModel model = VisionLanguageModel.load(folder)) {
      Image image = Image.of(Files.exists(picture) ? picture : folder.resolve("tall.png"));
      model.generate(
          GenerationRequest.builder()
              .message(Message.user(image, "What is this?"))
              .maxNewTokens(2)
              .build());
    } catch (VlmException refused) {
      assertThat(refused.getMessage()).as(what).isNotBlank().hasSizeLessThan(2000);
    } catch (RuntimeException | Error escaped) {
      throw new AssertionError(what, escaped);
    }
  }
}
