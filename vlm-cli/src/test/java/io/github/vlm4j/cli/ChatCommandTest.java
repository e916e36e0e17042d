package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ChatCommandTest {

  private static final Path MODEL = Fixtures.model("tied_one_image");
  private static final Path PICTURE = MODEL.resolve("picture.png");
  private static final Object[] CHAT = {
    "chat", "--model", MODEL, "--temperature", "0", "--max-new-tokens", "12"
  };

  @TempDir Path folder;

  private static CommandRun chat(String... lines) {
    return CommandRun.withInput(String.join("\n", lines) + "\n", CHAT);
  }

  @Test
  void pipedQuestionsAreAnsweredOneAfterTheOther() {
    String first = chat("Hello").succeeded().out();
    String both = chat("Hello", "And now?").succeeded().out();
    assertThat(first).isNotBlank();
    assertThat(both).startsWith(first);
    assertThat(both.length()).isGreaterThan(first.length());
  }

  @Test
  void theAnswerIsThatOfGenerate() {
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
            "What is it?");
    assertThat(chat("/image " + PICTURE, "What is it?").succeeded().out())
        .isEqualTo(generated.succeeded().out());
  }

  @Test
  void aPictureOnTheCommandLineBelongsToTheFirstQuestion() {
    CommandRun run =
        CommandRun.withInput(
            "What is it?\n",
            "chat",
            "--model",
            MODEL,
            "--temperature",
            "0",
            "--max-new-tokens",
            "12",
            "--image",
            PICTURE);
    assertThat(run.succeeded().out())
        .isEqualTo(chat("/image " + PICTURE, "What is it?").out())
        .isNotEqualTo(chat("What is it?").out());
  }

  @Test
  void earlierTurnsAreRemembered() {
    String alone = chat("And now?").succeeded().out();
    String later = chat("Hello", "And now?").succeeded().out();
    assertThat(later).doesNotEndWith(alone);
  }

  @Test
  void resetForgetsTurnsAndPictures() {
    String alone = chat("And now?").succeeded().out();
    String first = chat("Hello").out();
    assertThat(chat("Hello", "/image " + PICTURE, "/reset", "And now?").succeeded().out())
        .isEqualTo(first + alone);
  }

  @Test
  void exitEndsAndEmptyLinesAreIgnored() {
    assertThat(chat("", "  ", "/exit", "Hello").succeeded().out()).isEmpty();
  }

  @Test
  void theEndOfTheInputWithoutALineBreakIsAQuestionToo() {
    assertThat(CommandRun.withInput("Hello", CHAT).succeeded().out())
        .isEqualTo(chat("Hello").out());
  }

  @Test
  void aMistakeIsToldAndTheConversationGoesOn() {
    CommandRun run = chat("/image gone.png", "/dance", "/image", "Hello");
    assertThat(run.code()).isEqualTo(Main.FAILURE);
    assertThat(run.err().lines()).hasSize(3).allMatch(line -> line.startsWith("vlm: "));
    assertThat(run.err()).contains("gone.png", "/dance", "/reset");
    assertThat(run.out()).isEqualTo(chat("Hello").out());
  }

  @Test
  void aQuestionThatDoesNotFitIsNotRemembered() {
    Path model =
        Fixtures.copyWith(
            "tied_one_image",
            folder,
            "config.json",
            config -> config.withObject("text_config").put("max_position_embeddings", 60));
    String question = "Hello";
    CommandRun run =
        CommandRun.withInput(
            "word ".repeat(80) + "\n" + question + "\n",
            "chat",
            "--model",
            model,
            "--temperature",
            "0",
            "--max-new-tokens",
            "12");
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains("at most 60");
    assertThat(run.out()).isEqualTo(chat(question).out());
  }

  @Test
  void aPersonIsPromptedOnStandardErrorOnly() {
    CommandRun run = CommandRun.typed("Hello\n/dance\n", CHAT);
    assertThat(run.code()).isEqualTo(Main.OK);
    assertThat(run.err()).contains("/reset", "> ");
    assertThat(run.out()).isEqualTo(chat("Hello").out());
  }

  @Test
  void theSystemPromptIsHeard() {
    List<String> answers =
        List.of("Be kind.", "Shout in capital letters!").stream()
            .map(system ->
                CommandRun.withInput(
                        "Hello\n",
                        "chat",
                        "--model",
                        MODEL,
                        "--temperature",
                        "0",
                        "--max-new-tokens",
                        "12",
                        "--system",
                        system)
                    .succeeded()
                    .out())
            .toList();
    assertThat(answers).doesNotHaveDuplicates();
  }
}
