package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands on models that read text alone. */
final class TextModelCommandsTest {

  private static final Path QWEN3 = decoder("qwen3");
  private static final Path BASE = decoder("mistral_window_base");
  private static final Path PICTURE = Fixtures.model("tied_one_image").resolve("picture.png");

  private static Path decoder(String name) {
    return Fixtures.root().resolve("vlm-models/src/test/resources/decoders").resolve(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "qwen3_moe_mixed", "mistral_nemo"})
  void generateWritesTheReferencesTokens(String name) {
    JsonNode expected = Fixtures.json(decoder(name).resolve("expected.json"));
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                decoder(name),
                "--messages",
                decoder(name).resolve("messages.json"),
                "--temperature",
                "0",
                "--max-new-tokens",
                "24",
                "--ignore-eos",
                "--top-logprobs",
                "2",
                "--json")
            .json();
    assertThat(json.get("tokens")).isEqualTo(expected.get("greedyTokens"));
    assertThat(json.get("text")).isEqualTo(expected.get("greedyText"));
    assertThat(json.get("imageTokens").intValue()).isZero();
    assertThat(json.get("logprobs")).hasSize(24);
  }

  @Test
  void aBaseModelGoesOnWithThePrompt() {
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                BASE,
                "--prompt",
                "The old",
                "--max-new-tokens",
                "1",
                "--json",
                "--echo")
            .json();
    assertThat(json.get("prompt").textValue()).isEqualTo("The old");
    assertThat(json.get("promptTokenIds").get(0).intValue()).isEqualTo(1);
    CommandRun.of("generate", "--model", BASE, "--system", "Be brief.", "--prompt", "The old")
        .failed("no chat template");
  }

  @Test
  void picturesAreRefused() {
    CommandRun.of("generate", "--model", QWEN3, "--image", PICTURE, "--prompt", "What is it?")
        .failed("reads no pictures");
  }

  @Test
  void chatRemembersWhatWasSaid() {
    Object[] chat = {"chat", "--model", QWEN3, "--temperature", "0", "--max-new-tokens", "4"};
    String first = CommandRun.withInput("Hello\n", chat).succeeded().out();
    String both = CommandRun.withInput("Hello\nAnd now?\n", chat).succeeded().out();
    assertThat(both).startsWith(first);
    assertThat(both.length()).isGreaterThan(first.length());
  }

  @Test
  void inspectPrintsTheTree() {
    assertThat(CommandRun.of("inspect", "--model", decoder("qwen3_moe")).succeeded().out())
        .startsWith("qwen3_moe")
        .contains("(0-1): 2 ×", "Embedding(354, 24)", "Context");
  }

  @Test
  void benchMeasuresTheConfigurationAlone() {
    String out =
        CommandRun.of(
                "bench",
                "--config",
                decoder("qwen2_moe").resolve("config.json"),
                "--random-weights",
                "bf16",
                "--prompt-tokens",
                "20",
                "--new-tokens",
                "5",
                "--repetitions",
                "1",
                "--json")
            .out();
    assertThat(out).contains("tokensPerSecond");
  }
}
