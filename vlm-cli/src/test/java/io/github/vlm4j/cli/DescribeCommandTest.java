package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class DescribeCommandTest {

  private static final Path MODEL = Fixtures.model("tied_one_image");
  private static final Path PICTURE = MODEL.resolve("picture.png");

  private static CommandRun describe(Object... more) {
    Object[] line = new Object[7 + more.length];
    System.arraycopy(
        new Object[] {"describe", "--model", MODEL, "--temperature", "0", "--max-new-tokens", "12"},
        0,
        line,
        0,
        7);
    System.arraycopy(more, 0, line, 7, more.length);
    return CommandRun.of(line);
  }

  @Test
  void saysOneLineAboutAPicture() {
    CommandRun generated =
        CommandRun.of(
            "generate",
            "--model",
            MODEL,
            "--temperature",
            "0",
            "--max-new-tokens",
            "12",
            "--image",
            PICTURE,
            "--prompt",
            "Describe the image.");
    assertThat(describe(PICTURE).succeeded().out().strip()).isEqualTo(generated.out().strip());
  }

  @Test
  void severalPicturesAreNamedBeforeTheirLines() {
    Path other = Fixtures.model("untied_two_images").resolve("tall.png");
    assertThat(describe(PICTURE, other).succeeded().out()).contains(PICTURE + ": ", other + ": ");
  }

  @Test
  void whatIsBeforeAPictureThatCannotBeReadIsDescribed() {
    CommandRun run = describe(PICTURE, "gone.png", PICTURE);
    assertThat(run.code()).isEqualTo(Main.FAILURE);
    assertThat(run.out()).startsWith(PICTURE + ": ").hasLineCount(1);
    assertThat(run.err()).contains("gone.png");
  }

  @Test
  void theQuestionCanBeAnother() {
    String usual = describe(PICTURE).succeeded().out();
    assertThat(describe(PICTURE, "--prompt", "What colour?").succeeded().out()).isNotEqualTo(usual);
  }

  @Test
  void jsonIsOneDocumentForAllPictures() {
    JsonNode results = describe(PICTURE, PICTURE, "--json").json().get("results");
    assertThat(results).hasSize(2);
    assertThat(results.get(1).get("image").textValue()).isEqualTo(PICTURE.toString());
    assertThat(results.get(1).get("text")).isEqualTo(results.get(0).get("text"));
  }

  @Test
  void aMissingPictureLeavesNoHalfDocument() {
    describe(PICTURE, "gone.png", "--json").failed("gone.png");
  }
}
