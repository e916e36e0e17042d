package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands of models that embed, on checkpoints that the reference wrote. */
final class ClipCommandsTest {

  private static final Path FOLDER = Fixtures.clip("hf_vit_p16_quickgelu");
  private static final Path PICTURE = FOLDER.resolve("photo.png");
  private static final Path WEIGHTS = Fixtures.clip("openai_vit_f16").resolve("model.pt");

  @TempDir Path folder;

  private static float[] expected(Path model, String tensor, int row) {
    Path home = Files.isDirectory(model) ? model : model.resolveSibling(".");
    try (Checkpoint expected = Checkpoint.open(home.resolve("expected.safetensors"))) {
      return expected.tensor(tensor).rows(row, row + 1L).toFloats();
    }
  }

  private static void near(JsonNode actual, float[] expected) {
    assertThat(actual).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual.get(i).floatValue()).isCloseTo(expected[i], within(1e-4f));
    }
  }

  @Test
  void embedPrintsTheReferencesFeaturesAsJson() {
    String text = Fixtures.json(FOLDER.resolve("expected.json")).at("/texts/0").textValue();
    JsonNode json =
        CommandRun.of(
                "embed",
                "--model",
                FOLDER,
                "--image",
                PICTURE,
                "--text",
                text,
                "--no-normalize",
                "--json")
            .json();
    assertThat(json.get("model").textValue()).isEqualTo(FOLDER.toString());
    assertThat(json.get("normalized").booleanValue()).isFalse();
    assertThat(json.get("embeddings")).hasSize(2);
    assertThat(json.at("/embeddings/0/source").textValue()).isEqualTo(PICTURE.toString());
    assertThat(json.at("/embeddings/1/source").textValue()).isEqualTo(text);
    near(json.at("/embeddings/0/vector"), expected(FOLDER, "image_features", 0));
    near(json.at("/embeddings/1/vector"), expected(FOLDER, "text_features", 0));
    assertThat(json.get("dim").intValue()).isEqualTo(json.at("/embeddings/0/vector").size());
  }

  @Test
  void embedNormalisesAndWritesSafetensors() {
    Path out = folder.resolve("vectors.safetensors");
    CommandRun run =
        CommandRun.of(
            "embed", "--model", WEIGHTS, "--image", PICTURE, "--text", "a", "--text", "b", "--out",
            out);
    assertThat(run.succeeded().out()).isEmpty();
    try (Checkpoint written = Checkpoint.open(out)) {
      assertThat(written.names()).containsExactlyInAnyOrder("image.0", "text.0", "text.1");
      for (String name : written.names()) {
        double square = 0;
        for (float value : written.tensor(name).toFloats()) {
          square += value * value;
        }
        assertThat(square).as(name).isCloseTo(1, within(1e-5));
      }
    }
  }

  @Test
  void embedForPeopleShowsTheBeginningOfEachVector() {
    assertThat(CommandRun.of("embed", "--model", FOLDER, "--text", "a photo").succeeded().out())
        .matches("a photo: \\[-?\\d+\\.\\d{4}(, -?\\d+\\.\\d{4}){5}, … \\d+ numbers]\\R");
  }

  @Test
  void classifyRanksLabelsBestFirst() {
    JsonNode json =
        CommandRun.of(
                "classify",
                "--model",
                FOLDER,
                "--image",
                PICTURE,
                "--label",
                "red circle",
                "--label",
                "dog",
                "--label",
                "green triangle",
                "--template",
                "a photo of a {}.",
                "--json")
            .json();
    JsonNode scores = json.at("/results/0/scores");
    assertThat(json.at("/results/0/image").textValue()).isEqualTo(PICTURE.toString());
    assertThat(scores).hasSize(3);
    assertThat(scores.findValuesAsText("label"))
        .containsExactlyInAnyOrder("red circle", "dog", "green triangle");
    double sum = 0;
    for (int i = 0; i < 3; i++) {
      sum += scores.get(i).get("probability").doubleValue();
      assertThat(scores.get(i).get("logit").doubleValue())
          .isLessThanOrEqualTo(scores.get(Math.max(0, i - 1)).get("logit").doubleValue());
    }
    assertThat(sum).isCloseTo(1, within(1e-5));
  }

  @Test
  void theTemplateChangesWhatTheModelIsTold() {
    List<String> outputs =
        Stream.of("{}", "a photo of a {}.")
            .map(template ->
                CommandRun.of(
                        "classify",
                        "--model",
                        FOLDER,
                        PICTURE,
                        "--label",
                        "dog",
                        "--label",
                        "circle",
                        "--template",
                        template)
                    .succeeded()
                    .out())
            .toList();
    assertThat(outputs.get(0)).isNotEqualTo(outputs.get(1));
    assertThat(outputs).allMatch(out -> out.matches("( *\\d+\\.\\d\\d %  (dog|circle)\\R){2}"));
  }

  @Test
  void similarityPrintsTheReferencesLogits() {
    JsonNode facts = Fixtures.json(FOLDER.resolve("expected.json"));
    Stream<Object> pictures =
        facts
            .get("pictures")
            .valueStream()
            .flatMap(file -> Stream.of("--image", FOLDER.resolve(file.textValue())));
    Stream<Object> texts =
        facts.get("texts").valueStream().flatMap(text -> Stream.of("--text", text.textValue()));
    Object[] arguments =
        Stream.of(Stream.<Object>of("similarity", "--model", FOLDER), pictures, texts)
            .flatMap(part -> part)
            .toArray();
    JsonNode json =
        CommandRun.of(Stream.concat(Stream.of(arguments), Stream.of("--json")).toArray()).json();
    assertThat(json.get("logitsPerImage")).hasSameSizeAs(facts.get("pictures"));
    for (int i = 0; i < json.get("logitsPerImage").size(); i++) {
      near(json.get("logitsPerImage").get(i), expected(FOLDER, "logits_per_image", i));
      near(json.get("probabilities").get(i), expected(FOLDER, "probabilities", i));
    }
    assertThat(CommandRun.of(arguments).succeeded().out())
        .hasLineCount(1 + facts.get("pictures").size())
        .contains(PICTURE.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"similarity", "rollout"})
  void explainDrawsOverThePicture(String method) throws IOException {
    Path out = folder.resolve("where.png");
    JsonNode json =
        CommandRun.of(
                "explain",
                "--model",
                FOLDER,
                "--image",
                PICTURE,
                "--text",
                "a red circle",
                "--out",
                out,
                "--method",
                method,
                "--json")
            .json();
    BufferedImage picture = ImageIO.read(PICTURE.toFile());
    BufferedImage overlay = ImageIO.read(out.toFile());
    assertThat(overlay.getWidth()).isEqualTo(picture.getWidth());
    assertThat(overlay.getHeight()).isEqualTo(picture.getHeight());
    assertThat(json.at("/best/0").intValue()).isBetween(0, picture.getWidth() - 1);
    assertThat(json.at("/best/1").intValue()).isBetween(0, picture.getHeight() - 1);
    assertThat(json.get("map").size()).isGreaterThan(1);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(out);
    }
  }

  @Test
  void whatAnEncoderCannotExplainIsSaid() {
    Path resNet = Fixtures.clip("openai_rn_f32").resolve("model.pt");
    Path out = folder.resolve("where.png");
    CommandRun.of(
            "explain",
            "--model",
            resNet,
            "--image",
            PICTURE,
            "--text",
            "a",
            "--out",
            out,
            "--method",
            "rollout")
        .failed("cannot be explained by rollout");
    assertThat(out).doesNotExist();
    CommandRun.of("explain", "--model", resNet, "--image", PICTURE, "--text", "a", "--out", out)
        .succeeded();
    assertThat(out).exists();
  }

  @Test
  void featuresAreTheReferences() {
    Path out = folder.resolve("features.safetensors");
    CommandRun.of(
            "features",
            "--model",
            FOLDER,
            "--image",
            PICTURE,
            "--hidden-states",
            "--attentions",
            "--out",
            out)
        .succeeded();
    try (Checkpoint written = Checkpoint.open(out)) {
      assertThat(written.names())
          .contains(
              "image.0.pixel_values",
              "image.0.last_hidden_state",
              "image.0.pooled",
              "image.0.embedding",
              "image.0.hidden_states.0",
              "image.0.attentions.0");
      for (String name : List.of("last_hidden_state", "pooled", "hidden_states.1")) {
        float[] actual = written.tensor("image.0." + name).toFloats();
        float[] expected = expected(FOLDER, "vision." + name, 0);
        assertThat(actual).as(name).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
          assertThat(actual[i]).as(name).isCloseTo(expected[i], within(1e-4f));
        }
      }
    }
  }

  @Test
  void inspectKnowsFoldersAndStateDicts() {
    assertThat(CommandRun.of("inspect", "--model", FOLDER).succeeded().out())
        .startsWith("clip")
        .contains("vision_model", "text_model", "Embedding", "Texts");
    assertThat(CommandRun.of("inspect", "--model", WEIGHTS).succeeded().out())
        .startsWith("clip (OpenAI, ViT)")
        .contains("F16[", "F32[");
  }

  @Test
  void benchMeasuresPicturesAndTexts() {
    JsonNode json =
        CommandRun.of("bench", "--model", FOLDER, "--batch", "3", "--repetitions", "2", "--json")
            .json();
    assertThat(json.at("/images/perSecond").doubleValue()).isPositive();
    assertThat(json.at("/texts/perSecond").doubleValue()).isPositive();
    assertThat(json.at("/images/repetitions")).hasSize(2);
    JsonNode random =
        CommandRun.of(
                "bench",
                "--config",
                FOLDER.resolve("config.json"),
                "--random-weights",
                "f32",
                "--repetitions",
                "1",
                "--json")
            .json();
    assertThat(random.at("/images/flops").doubleValue())
        .isEqualTo(json.at("/images/flops").doubleValue());
  }

  @Test
  void wrongUsageIsSaid() {
    CommandRun.of("embed", "--model", FOLDER).misused("--image", "--text");
    for (String command : new String[] {"embed", "classify", "similarity"}) {
      CommandRun.of(
              command, "--model", FOLDER, "--image", PICTURE, "--batch", "0", other(command), "a")
          .misused("--batch must be at least 1, not 0");
    }
    CommandRun.of("classify", "--model", FOLDER, "--label", "a").misused("picture");
    CommandRun.of("classify", "--model", FOLDER, PICTURE).misused("--label");
    CommandRun.of("classify", "--model", FOLDER, PICTURE, "--label", "a", "--template", "a photo")
        .misused("--template must contain {}");
  }

  @Test
  void badModelsAndPicturesGetOneSentence() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.png"), "no picture");
    CommandRun.of("embed", "--model", FOLDER, "--image", broken).failed("broken.png");
    CommandRun.of("embed", "--model", Fixtures.model("tied_one_image"), "--text", "a")
        .failed("is not a model that embeds pictures and texts");
    CommandRun.of("embed", "--model", folder.resolve("absent"), "--text", "a").failed("absent");
    Path lonely = Files.copy(WEIGHTS, folder.resolve("model.pt"));
    CommandRun.of("embed", "--model", lonely, "--image", PICTURE).succeeded();
    CommandRun.of("embed", "--model", lonely, "--text", "a").failed("bpe_simple_vocab_16e6.txt.gz");
  }

  private static String other(String command) {
    return command.equals("classify") ? "--label" : "--text";
  }
}
