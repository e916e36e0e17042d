package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ScoreCommandTest {

  private static final Path MODEL = Fixtures.model("tied_one_image");
  private static final Object[] ASKED = {
    "score",
    "--model",
    MODEL,
    "--image",
    MODEL.resolve("picture.png"),
    "--prompt",
    "What is in the picture?"
  };
  private static final JsonNode EXPECTED =
      Fixtures.json(
          Fixtures.root().resolve("vlm-models/src/test/resources/score/tied_one_image.json"));

  private static CommandRun score(Object... more) {
    Object[] line = Arrays.copyOf(ASKED, ASKED.length + more.length);
    System.arraycopy(more, 0, line, ASKED.length, more.length);
    return CommandRun.of(line);
  }

  @Test
  void jsonHasTheDocumentedFieldsAndTheReferenceLoss() {
    JsonNode json = score("--answer", "A red circle.", "--json").json();
    assertThat(json.propertyStream().map(Map.Entry::getKey))
        .containsExactly(
            "answer",
            "tokens",
            "logprobs",
            "logLikelihood",
            "loss",
            "perplexity",
            "promptTokens",
            "imageTokens");
    JsonNode expected = EXPECTED.get(0);
    assertThat(json.get("answer").textValue()).isEqualTo("A red circle.");
    for (String same : List.of("tokens", "promptTokens", "imageTokens")) {
      assertThat(json.get(same)).isEqualTo(expected.get(same));
    }
    assertThat(json.get("logprobs")).hasSize(expected.get("tokens").size());
    double loss = expected.get("loss").doubleValue();
    assertThat(json.get("loss").doubleValue()).isCloseTo(loss, within(1e-4));
    assertThat(json.get("logLikelihood").doubleValue())
        .isCloseTo(expected.get("logLikelihood").doubleValue(), within(1e-3));
    assertThat(Math.log(json.get("perplexity").doubleValue())).isCloseTo(loss, within(1e-4));
  }

  @Test
  void theEndOfTheAnswerIsScoredWhereItIsNamed() {
    JsonNode json = score("--answer", "A red circle.", "--end", "<|im_end|>", "--json").json();
    assertThat(json.get("tokens")).isEqualTo(EXPECTED.get(1).get("tokens"));
    assertThat(json.get("loss").doubleValue())
        .isCloseTo(EXPECTED.get(1).get("loss").doubleValue(), within(1e-4));
  }

  @Test
  void plainTextTellsFourFigures() {
    String out = score("--answer", "A red circle.").succeeded().out();
    assertThat(out.lines().map(line -> line.replaceAll(" .*", "")))
        .containsExactly("Tokens", "Log-likelihood", "Loss", "Perplexity");
    assertThat(out).contains("8.0373").contains("-64.299");
  }

  @Test
  void aConversationFromAFileIsScoredLikeOneFromOptions() {
    JsonNode json =
        CommandRun.of(
                "score",
                "--model",
                MODEL,
                "--messages",
                MODEL.resolve("messages.json"),
                "--answer",
                "x",
                "--json")
            .json();
    assertThat(json.get("loss").doubleValue())
        .isCloseTo(EXPECTED.get(2).get("loss").doubleValue(), within(1e-4));
  }

  @Test
  void whatCannotBeScoredIsToldInOneLine() {
    score("--answer", "").failed("no tokens");
    score("--answer", "x", "--end", "<end>").failed("<end>", "eos_token");
    score("--answer", "q ".repeat(600)).failed("1024");
  }
}
