package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model that is one file of weights and whose other files stand elsewhere. */
final class ModelPartsTest {

  private static final Path CASE =
      Fixtures.root().resolve("vlm-models/src/test/resources/seemore/published_sizes");
  private static final Path PICTURE = CASE.resolve("picture.png");
  private static final JsonNode EXPECTED = Fixtures.json(CASE.resolve("expected.json"));

  @TempDir Path folder;
  private Path weights = Path.of("");

  @BeforeEach
  void copyTheWeightsAlone() throws IOException {
    weights = Files.copy(CASE.resolve("seemore.pt"), folder.resolve("seemore.pt"));
  }

  private CommandRun run(String command, Object... more) {
    Object[] line = {
      command, "--model", weights, "--tokenizer", CASE.resolve("input.txt"),
    };
    Object[] all = Arrays.copyOf(line, line.length + more.length);
    System.arraycopy(more, 0, all, line.length, more.length);
    return CommandRun.of(all);
  }

  private static String prompt() {
    return EXPECTED.get("prompt").textValue();
  }

  @Test
  void generateTakesTheTokenizerFromElsewhere() {
    JsonNode json =
        run(
                "generate",
                "--image",
                PICTURE,
                "--prompt",
                prompt(),
                "--temperature",
                "0",
                "--ignore-eos",
                "--max-new-tokens",
                EXPECTED.get("greedyTokens").size(),
                "--top-logprobs",
                "2",
                "--json")
            .json();
    assertThat(json.get("tokens")).isEqualTo(EXPECTED.get("greedyTokens"));
    assertThat(json.get("text")).isEqualTo(EXPECTED.get("greedyText"));
    assertThat(json.get("imageTokens").intValue()).isEqualTo(1);
    JsonNode first = json.get("logprobs").get(0);
    assertThat(first.get("top").get(0).get("token")).isEqualTo(first.get("token"));
    assertThat(first.get("top").get(0).get("logprob")).isEqualTo(first.get("logprob"));
    assertThat(first.get("top")).hasSize(2);
  }

  @Test
  void scoreTakesTheTokenizerFromElsewhere() {
    JsonNode json =
        run(
                "score",
                "--image",
                PICTURE,
                "--prompt",
                prompt(),
                "--answer",
                EXPECTED.get("answer").textValue(),
                "--json")
            .json();
    assertThat(json.get("loss").doubleValue())
        .isCloseTo(EXPECTED.get("answerLoss").doubleValue(), within(1e-4));
  }

  @Test
  void describeTakesTheTokenizerFromElsewhere() {
    String text =
        run("describe", PICTURE, "--prompt", prompt(), "--temperature", "0", "--max-new-tokens", 20)
            .succeeded()
            .out();
    assertThat(text.strip()).isEqualTo(EXPECTED.get("greedyText").textValue().strip());
  }

  @Test
  void chatTakesTheTokenizerFromElsewhere() {
    CommandRun run =
        CommandRun.withInput(
            prompt() + "x\n",
            "chat",
            "--model",
            weights,
            "--tokenizer",
            CASE.resolve("input.txt"),
            "--image",
            PICTURE,
            "--temperature",
            "0",
            "--max-new-tokens",
            "5");
    assertThat(run.code()).as(run.err()).isEqualTo(Main.OK);
    assertThat(run.out()).hasSizeGreaterThan(1);
  }

  @Test
  void featuresAreThoseOfTheEncoderAndTheConnector() {
    Path out = folder.resolve("features.safetensors");
    run("features", "--image", PICTURE, "--out", out).succeeded();
    try (Checkpoint written = Checkpoint.open(out);
        Checkpoint reference = Checkpoint.open(CASE.resolve("expected.safetensors"))) {
      float[] connector = written.tensor("image.0.connector").toFloats();
      float[] expected = reference.tensor("connector").toFloats();
      for (int i = 0; i < expected.length; i++) {
        assertThat(connector[i]).isCloseTo(expected[i], within(1e-4f));
      }
    }
  }

  @Test
  void inspectTellsWhatTheModelIsAndWhy() {
    String out = CommandRun.of("inspect", "--model", weights).succeeded().out();
    assertThat(out)
        .startsWith("seemore")
        .containsPattern("Recognised +seemore: its tensors are named vision_encoder\\.")
        .containsPattern("Context +1,000 tokens");
  }

  @Test
  void benchMeasuresIt() {
    JsonNode json =
        run("bench", "--prompt-tokens", 8, "--new-tokens", 2, "--repetitions", 1, "--json").json();
    assertThat(json.at("/decode/0/tokensPerSecond").doubleValue()).isPositive();
    assertThat(json.at("/image/0/ms").doubleValue()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(strings = {"generate", "chat", "describe", "score", "features", "inspect", "bench"})
  void everyCommandThatOpensAModelTakesItsParts(String command) {
    assertThat(CommandRun.of(command, "--help").succeeded().out())
        .contains("--model-config", "--vision-model", "--tokenizer", "--connector", "--adapter");
  }

  @Test
  void withoutTheTextTheVocabularyIsAskedFor() {
    CommandRun.of("generate", "--model", weights, "--prompt", "A")
        .failed("input.txt", "--tokenizer");
  }

  @Test
  void aTextOfAnotherVocabularyIsRefused() {
    Path other = Fixtures.write(folder.resolve("other.txt"), "abc");
    CommandRun.of("generate", "--model", weights, "--tokenizer", other, "--prompt", "a")
        .failed("other.txt", "4", "66");
  }

  @Test
  void whatTheModelCannotReadIsToldInOneLine() {
    run("generate", "--prompt", "\u00e9").failed("U+00E9", "input.txt");
    run("generate", "--prompt", "A", "--image", PICTURE, "--image", PICTURE).failed("one picture");
    run("generate", "--prompt", "").failed("neither text nor a picture");
    run("generate", "--prompt", "a".repeat(1000)).failed("1000");
  }

  @Test
  void aVisionModelThatIsNotNeededIsRefused() {
    run("generate", "--vision-model", Fixtures.clip("hf_vision_only"), "--prompt", "A")
        .failed("seemore", "--vision-model");
  }

  @Test
  void aConfigurationThatIsNotThereIsNamed() {
    run("generate", "--model-config", folder.resolve("none.json"), "--prompt", "A")
        .failed("none.json");
  }
}
