package io.github.vlm4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The shipped demonstration model on scenes it was never trained on, held to the truth and to what
 * transformers answers; made by tools/demo-model/heldout.py.
 */
class ShippedModelTest {

  private static final Path MODEL = Path.of("..", "models", "shapes-vl");

  @Test
  void answersAboutHeldOutScenesAreRightAndEqualTheReference() throws Exception {
    Path folder = Path.of(Objects.requireNonNull(getClass().getResource("/shapes-vl")).toURI());
    JsonNode questions = new ObjectMapper().readTree(folder.resolve("questions.json").toFile());
    Set<String> scenes = new HashSet<>();
    List<String> wrong = new ArrayList<>();
    List<String> unlikeTheReference = new ArrayList<>();
    try (VisionLanguageModel model = VisionLanguageModel.load(MODEL)) {
      for (JsonNode question : questions) {
        String image = question.get("image").asText();
        String answer =
            model.chat(
                Message.user(Image.of(folder.resolve(image)), question.get("question").asText()));
        scenes.add(image);
        if (!answer.equals(question.get("expected").asText())) {
          wrong.add(question + " answered " + answer);
        }
        if (!answer.equals(question.get("reference").asText())) {
          unlikeTheReference.add(question + " answered " + answer);
        }
      }
    }
    assertThat(scenes).hasSizeGreaterThanOrEqualTo(50);
    assertThat(unlikeTheReference).isEmpty();
    assertThat(wrong)
        .as("wrong answers of %d", questions.size())
        .hasSizeLessThanOrEqualTo(questions.size() / 20);
  }

  /** The example of the README. */
  @Test
  void describesTheExampleScene() {
    try (var model = VisionLanguageModel.load(MODEL)) {
      String answer =
          model.chat(
              Message.user(
                  Image.of(Path.of("..", "examples", "scene.png")), "Describe the image."));
      assertThat(answer)
          .startsWith("A picture with four shapes:")
          .contains("yellow circle at the top left")
          .contains("white star at the top right")
          .contains("green triangle at the bottom left")
          .contains("red square at the bottom right")
          .endsWith("on a blue background.");
    }
  }

  @Test
  void theShippedFolderStaysSmall() throws IOException {
    long bytes = 0;
    try (var files = Files.list(MODEL)) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    assertThat(bytes).isLessThanOrEqualTo(4_000_000);
  }
}
