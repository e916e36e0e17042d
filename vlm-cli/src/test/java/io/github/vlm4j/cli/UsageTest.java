package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

final class UsageTest {

  private static final String COMMANDS =
      "describe, generate, chat, score, embed, classify, similarity, search, explain, features, "
          + "models, inspect, bench, backends";

  static Stream<String> commands() {
    return Stream.of(COMMANDS.split(", ", -1));
  }

  @Test
  void withoutArgumentsTheCommandsAreListedOnStandardError() {
    CommandRun run = CommandRun.of();
    assertThat(run.code()).isEqualTo(Main.USAGE);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains(commands().toList());
  }

  @Test
  void helpListsTheCommands() {
    assertThat(CommandRun.of("--help").succeeded().out()).contains(commands().toList());
  }

  @Test
  void versionIsOneLine() {
    assertThat(CommandRun.of("--version").succeeded().out().lines()).hasSize(1);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void everyCommandHasHelpForEveryOption(String command) {
    CommandLine line = Main.commandLine(terminal()).getSubcommands().get(command);
    for (OptionSpec option : line.getCommandSpec().options()) {
      assertThat(String.join("", option.description()))
          .as(command + " " + option.longestName())
          .isNotBlank();
      assertThat(CommandRun.of(command, "--help").succeeded().out()).contains(option.longestName());
    }
  }

  private static Terminal terminal() {
    return new Terminal(System.in, System.out, System.err, false, false);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          describe | --model --prompt --json --backend --threads
          generate | --model --image --system --prompt --messages --max-new-tokens --temperature
          generate | --top-k --top-p --min-p --seed --top-logprobs --ignore-eos --echo --backend
          generate | --threads --json --stop
          chat | --model --image
          score | --model --image --system --prompt --messages --answer --end --json --backend
          features | --model --image --out
          inspect | --model
          bench | --model --config --random-weights --prompt-tokens --new-tokens --image-size
          bench | --repetitions --json
          """)
  void hasTheOptionsThatAreDocumented(String command, String options) {
    assertThat(CommandRun.of(command, "--help").succeeded().out()).contains(options.split(" ", -1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          paint                                           | paint
          describe                                        | IMAGE
          generate --prompt hi                            | --model
          generate --model m                              | --prompt --messages
          generate --model m --prompt a --messages b      | --messages
          generate --model m --image a --messages b       | --image
          generate --model m --system a --messages b      | --system
          generate --model m --prompt a --max-new-tokens 0 | --max-new-tokens 0
          generate --model m --prompt a --max-new-tokens x | --max-new-tokens x
          generate --model m --prompt a --temperature -1  | temperature -1
          generate --model m --prompt a --temperature NaN | temperature NaN
          generate --model m --prompt a --top-k -3        | top-k -3
          generate --model m --prompt a --top-p 0         | top-p 0
          generate --model m --prompt a --min-p 1.5       | min-p 1.5
          generate --model m --prompt a --top-logprobs -1 | --top-logprobs -1
          generate --model m --prompt a --top-logprobs 101 | --top-logprobs 101
          generate --model m --prompt a --threads 0       | --threads 0
          generate --model m --prompt a --colour          | --colour
          chat                                            | --model
          chat --model m --top-p 2                        | top-p 2
          score --model m --prompt a                      | --answer
          score --model m --answer a                      | --prompt --messages
          score --model m --answer a --messages b --prompt c | --messages
          features --model m --image a                    | --out
          features --model m --out a                      | --image
          inspect                                         | --model
          bench                                           | --model --config
          bench --model m --config c                      | --model --config
          bench --config c                                | --random-weights
          bench --model m --random-weights f32            | --config
          bench --config c --random-weights q4            | q4 bf16
          bench --model m --image-size 5                  | --image-size 5
          bench --model m --image-size 5x0                | --image-size 5x0
          bench --model m --image-size -5x5               | --image-size -5x5
          bench --model m --repetitions 0                 | --repetitions 0
          bench --model m --prompt-tokens 0               | --prompt-tokens 0
          bench --model m --new-tokens -2                 | --new-tokens -2
          """)
  void aWrongCommandLineIsToldInOneLineWithExitCodeTwo(String line, String says) {
    CommandRun.of((Object[]) line.split(" ", -1)).misused(says.split(" ", -1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"no-such-folder", "no/such/folder"})
  void aModelFolderThatIsNotThereIsToldInOneLineWithExitCodeOne(String folder) {
    CommandRun.of("inspect", "--model", folder).failed("config.json", folder);
  }
}
