package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class GenerateCommandTest {

  private static final Path MODEL = Fixtures.model("tied_one_image");
  private static final Path PICTURE = MODEL.resolve("picture.png");

  @TempDir Path folder;

  @Test
  void jsonHasTheDocumentedFieldsAndTheReferenceTokens() {
    JsonNode expected = Fixtures.expected("tied_one_image");
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                MODEL,
                "--messages",
                MODEL.resolve("messages.json"),
                "--temperature",
                "0",
                "--max-new-tokens",
                "24",
                "--ignore-eos",
                "--top-logprobs",
                "5",
                "--json")
            .json();

    assertThat(names(json))
        .containsExactlyInAnyOrder(
            "text", "tokens", "finishReason", "promptTokens", "imageTokens", "logprobs", "timings");
    assertThat(json.get("text").textValue()).isEqualTo(expected.get("greedyText").textValue());
    assertThat(json.get("tokens")).isEqualTo(expected.get("greedyTokens"));
    assertThat(json.get("finishReason").textValue()).isEqualTo("length");
    assertThat(json.get("promptTokens").intValue())
        .isEqualTo(expected.get("promptTokenIds").size());
    assertThat(json.get("imageTokens").intValue()).isEqualTo(20);
    assertThat(names(json.get("timings")))
        .containsExactlyInAnyOrder(
            "loadMs",
            "imageMs",
            "prefillMs",
            "decodeMs",
            "timeToFirstTokenMs",
            "decodeTokensPerSecond",
            "reusedTokens",
            "reusedImages");
    assertThat(json.get("timings")).allMatch(JsonNode::isNumber);
    assertThat(json.get("logprobs")).hasSize(24);
    JsonNode logprob = json.get("logprobs").get(0);
    assertThat(names(logprob)).containsExactlyInAnyOrder("token", "logprob", "top");
    assertThat(logprob.get("token")).isEqualTo(json.get("tokens").get(0));
    assertThat(logprob.get("top")).hasSize(5);
    assertThat(names(logprob.get("top").get(0))).containsExactlyInAnyOrder("token", "logprob");
  }

  @Test
  void echoAddsTheRenderedPromptAndItsExpandedTokens() {
    JsonNode expected = Fixtures.expected("tied_one_image");
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                MODEL,
                "--messages",
                MODEL.resolve("messages.json"),
                "--max-new-tokens",
                "1",
                "--json",
                "--echo")
            .json();
    assertThat(json.get("prompt").textValue()).isEqualTo(expected.get("prompt").textValue());
    assertThat(json.get("promptTokenIds")).isEqualTo(expected.get("promptTokenIds"));
    assertThat(json.get("logprobs")).isEmpty();
  }

  @Test
  void promptAndImagesAreOneUserMessageImagesFirst() {
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                MODEL,
                "--image",
                PICTURE,
                "--image",
                PICTURE,
                "--system",
                "Be brief.",
                "--prompt",
                "Which?",
                "--max-new-tokens",
                "1",
                "--json",
                "--echo")
            .json();
    String picture = "<|vision_start|><|image_pad|><|vision_end|>";
    assertThat(json.get("prompt").textValue())
        .isEqualTo(
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
                + picture
                + picture
                + "Which?<|im_end|>\n<|im_start|>assistant\n");
    assertThat(json.get("imageTokens").intValue()).isEqualTo(40);
  }

  @Test
  void whatIsStreamedIsTheFinalText() {
    Object[] line = {
      "generate",
      "--model",
      MODEL,
      "--image",
      PICTURE,
      "--prompt",
      "What is it?",
      "--temperature",
      "0",
      "--max-new-tokens",
      "40",
      "--ignore-eos"
    };
    String text = CommandRun.of(with(line, "--json")).json().get("text").textValue();
    assertThat(text).isNotEmpty();
    assertThat(CommandRun.of(line).succeeded().out()).isEqualTo(text + System.lineSeparator());
  }

  @Test
  void aStopStringEndsTheAnswerAndIsNotPartOfIt() {
    Object[] line = {
      "generate",
      "--model",
      MODEL,
      "--messages",
      MODEL.resolve("messages.json"),
      "--temperature",
      "0",
      "--max-new-tokens",
      "24",
      "--ignore-eos",
      "--json"
    };
    JsonNode whole = CommandRun.of(line).json();
    JsonNode cut = CommandRun.of(with(line, "--stop", "ZZ")).json();
    String text = whole.get("text").textValue();
    assertThat(text).contains("ZZ");
    assertThat(cut.get("text").textValue()).isEqualTo(text.substring(0, text.indexOf("ZZ")));
    assertThat(cut.get("finishReason").textValue()).isEqualTo("stop");
    assertThat(cut.get("tokens").size()).isLessThan(24);
  }

  @Test
  void anEndTokenOfTheCheckpointEndsTheAnswer() {
    Path model = Fixtures.model("multi_turn");
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                model,
                "--messages",
                model.resolve("messages.json"),
                "--temperature",
                "0",
                "--json")
            .json();
    assertThat(json.get("tokens")).isEqualTo(Fixtures.expected("multi_turn").get("tokensUntilEos"));
    assertThat(json.get("finishReason").textValue()).isEqualTo("stop");
  }

  @Test
  void theSameSeedGivesTheSameAnswerAndAnotherSeedAnother() {
    Object[] line = {
      "generate",
      "--model",
      MODEL,
      "--prompt",
      "Tell me",
      "--temperature",
      "1.5",
      "--max-new-tokens",
      "30",
      "--ignore-eos",
      "--json",
      "--seed"
    };
    JsonNode first = CommandRun.of(with(line, "7")).json().get("tokens");
    assertThat(CommandRun.of(with(line, "7")).json().get("tokens")).isEqualTo(first);
    assertThat(CommandRun.of(with(line, "8")).json().get("tokens")).isNotEqualTo(first);
  }

  @Test
  void theNumberOfThreadsDoesNotChangeTheTokens() {
    Object[] line = {
      "generate",
      "--model",
      MODEL,
      "--image",
      PICTURE,
      "--prompt",
      "Tell me",
      "--temperature",
      "0",
      "--max-new-tokens",
      "24",
      "--ignore-eos",
      "--json",
      "--backend",
      "cpu",
      "--threads"
    };
    JsonNode one = CommandRun.of(with(line, "1")).json().get("tokens");
    assertThat(one).hasSize(24);
    assertThat(CommandRun.of(with(line, "2")).json().get("tokens")).isEqualTo(one);
  }

  @Test
  void logprobsArePrintedBesideTheText() {
    CommandRun run =
        CommandRun.of(
                "generate",
                "--model",
                MODEL,
                "--prompt",
                "Hi",
                "--max-new-tokens",
                "3",
                "--ignore-eos",
                "--top-logprobs",
                "2")
            .succeeded();
    assertThat(run.out().lines().filter(line -> line.matches("\\s*\\d+ +-\\d+\\.\\d{4}  ?.*:-.*")))
        .hasSize(3);
  }

  @Test
  void progressGoesToAWatchedTerminalAndLeavesNothingBehind() {
    CommandRun run =
        CommandRun.typed(
            "",
            "generate",
            "--model",
            MODEL,
            "--image",
            PICTURE,
            "--image",
            Fixtures.model("head_dim_differs").resolve("picture.png"),
            "--prompt",
            "Hi",
            "--max-new-tokens",
            "2",
            "--json");
    assertThat(run.code()).isEqualTo(Main.OK);
    assertThat(run.err()).contains("Encoding pictures").endsWith("\r\u001b[K");
    assertThat(run.out()).startsWith("{").endsWith("}" + System.lineSeparator());
  }

  @Test
  void whenTheReaderIsGoneTheAnswerEndsQuietly() {
    List<Byte> written = new ArrayList<>();
    OutputStream pipe =
        new OutputStream() {
          @Override
          public void write(int value) throws IOException {
            if (written.size() == 3) {
              throw new IOException("Broken pipe");
            }
            written.add((byte) value);
          }
        };
    java.io.ByteArrayOutputStream err = new java.io.ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            new ByteArrayInputStream(new byte[0]),
            new PrintStream(pipe, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            false,
            false);
    int code =
        Main.run(
            terminal,
            "generate",
            "--model",
            MODEL.toString(),
            "--prompt",
            "Hi",
            "--max-new-tokens",
            "500",
            "--ignore-eos");
    assertThat(code).isEqualTo(Main.FAILURE);
    assertThat(written).hasSize(3);
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
  }

  @Test
  void anUnknownBackendListsWhatThereIs() {
    CommandRun.of("generate", "--model", MODEL, "--prompt", "Hi", "--backend", "abacus")
        .failed("abacus", "cpu (usable)", "absent (not usable)");
  }

  @Test
  void aBackendThatCannotRunHereSaysWhy() {
    CommandRun.of("generate", "--model", MODEL, "--prompt", "Hi", "--backend", "absent")
        .failed("absent", "there is no such device", "cpu (usable)");
  }

  @Test
  void aPromptLongerThanTheContextIsToldBeforeAnyWork() {
    Path model =
        Fixtures.copyWith(
            "tied_one_image",
            folder,
            "config.json",
            config -> config.withObject("text_config").put("max_position_embeddings", 40));
    CommandRun.of("generate", "--model", model, "--image", PICTURE, "--prompt", "Hello to you all")
        .failed("at most 40", "20 of them");
  }

  @Test
  void anAnswerEndsWhereTheContextEnds() {
    Path model =
        Fixtures.copyWith(
            "tied_one_image",
            folder,
            "config.json",
            config -> config.withObject("text_config").put("max_position_embeddings", 50));
    JsonNode json =
        CommandRun.of(
                "generate",
                "--model",
                model,
                "--prompt",
                "Hi",
                "--ignore-eos",
                "--json",
                "--max-new-tokens",
                "1000")
            .json();
    assertThat(json.get("promptTokens").intValue() + json.get("tokens").size()).isEqualTo(50);
    assertThat(json.get("finishReason").textValue()).isEqualTo("length");
  }

  @Test
  void aFileThatIsNoPictureIsNamed() {
    Path file = Fixtures.write(folder.resolve("words.png"), "These are words.");
    CommandRun.of("generate", "--model", MODEL, "--image", file, "--prompt", "Hi")
        .failed("words.png");
  }

  @Test
  void aPictureThatIsNotThereIsNamed() {
    CommandRun.of("generate", "--model", MODEL, "--image", "gone.png", "--prompt", "Hi")
        .failed("gone.png");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"role\": \"user\", \"content\": \"Hi\"}|list",
        "[]|no messages",
        "[3]|[0]",
        "[{\"role\": \"pirate\", \"content\": \"Hi\"}]|[0].role",
        "[{\"content\": \"Hi\"}]|[0].role",
        "[{\"role\": \"user\"}]|[0].content",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"smell\"}]}]|[0].content[0].type",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]|[0].content[0].text",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]|[0].content[0].image",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"image\", \"image\": \"a/gone.png\"}]}]"
            + "|gone.png",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"image\", \"image\": \"a\\u0000b\"}]}]"
            + "|file name",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"video\", \"video\": []}]}]|no frames",
        "[{\"role\": \"user\", \"content\": [{\"type\": \"video\", \"video\": \"a.mp4\"}]}]"
            + "|[0].content[0].video",
        "[{\"role\": \"user\", \"content\": \"Hi\"}|messages.json",
        "|messages.json"
      })
  void aMistakeInTheMessagesFileIsToldWithItsPlace(String given) {
    int bar = given.indexOf('|');
    Path file = Fixtures.write(folder.resolve("messages.json"), given.substring(0, bar));
    CommandRun.of("generate", "--model", MODEL, "--messages", file)
        .failed(given.substring(bar + 1));
  }

  @Test
  void aMessagesFileThatIsNotThereIsNamed() {
    CommandRun.of("generate", "--model", MODEL, "--messages", folder.resolve("none.json"))
        .failed("none.json");
  }

  @Test
  void picturesAreLookedForBesideTheMessagesFile() throws IOException {
    Path pictures = java.nio.file.Files.createDirectory(folder.resolve("pictures"));
    java.nio.file.Files.copy(PICTURE, pictures.resolve("one.png"));
    Path file =
        Fixtures.write(
            folder.resolve("messages.json"),
            "[{\"role\": \"user\", \"content\": [{\"type\": \"image\", \"image\": "
                + "\"pictures/one.png\"}, {\"type\": \"text\", \"text\": \"Hi\"}]}]");
    JsonNode json =
        CommandRun.of(
                "generate", "--model", MODEL, "--messages", file, "--json", "--max-new-tokens", "1")
            .json();
    assertThat(json.get("imageTokens").intValue()).isEqualTo(20);
  }

  @Test
  void aPictureForWhichTheTemplateMakesNoPlaceholderIsAnError() {
    Path file =
        Fixtures.write(
            folder.resolve("messages.json"),
            "[{\"role\": \"system\", \"content\": [{\"type\": \"image\", \"image\": \""
                + PICTURE.toAbsolutePath().toString().replace('\\', '/')
                + "\"}]}, {\"role\": \"user\", \"content\": \"Hi\"}]");
    CommandRun.of("generate", "--model", MODEL, "--messages", file)
        .failed("1 picture(s)", "user messages");
  }

  private static Object[] with(Object[] line, Object... more) {
    List<Object> all = new ArrayList<>(List.of(line));
    all.addAll(List.of(more));
    return all.toArray();
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
