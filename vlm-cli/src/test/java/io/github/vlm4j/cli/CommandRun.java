package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * What a command line left behind.
 *
 * @param code the exit code
 * @param out standard output
 * @param err standard error
 */
record CommandRun(int code, String out, String err) {

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  static CommandRun of(Object... args) {
    return withInput("", args);
  }

  static CommandRun withInput(String input, Object... args) {
    return run(input, false, args);
  }

  /** As if somebody sat at a terminal. */
  static CommandRun typed(String input, Object... args) {
    return run(input, true, args);
  }

  private static CommandRun run(String input, boolean terminal, Object... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    String[] words = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      words[i] = args[i].toString();
    }
    int code =
        Main.run(
            new Terminal(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8),
                terminal,
                terminal),
            words);
    return new CommandRun(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** Requires success and nothing on standard error. */
  CommandRun succeeded() {
    assertThat(err).isEmpty();
    assertThat(code).isEqualTo(Main.OK);
    return this;
  }

  /** Requires exit code 1, nothing on standard output, and one line that says certain things. */
  void failed(String... says) {
    assertThat(oneLine().code).as(err).isEqualTo(Main.FAILURE);
    assertThat(out).isEmpty();
    assertThat(err).contains(says).doesNotContain("please report");
  }

  /** Requires exit code 2, nothing on standard output, and one line that says certain things. */
  void misused(String... says) {
    assertThat(oneLine().code).as(err).isEqualTo(Main.USAGE);
    assertThat(out).isEmpty();
    assertThat(err).contains("--help");
    for (String word : says) {
      assertThat(err).containsIgnoringCase(word);
    }
  }

  private CommandRun oneLine() {
    assertThat(err).startsWith("vlm: ").endsWith(System.lineSeparator());
    assertThat(err.lines()).hasSize(1);
    return this;
  }

  /** Returns standard output, which must be one JSON document and nothing else. */
  JsonNode json() {
    succeeded();
    try {
      return JSON.readTree(out);
    } catch (IOException malformed) {
      throw new UncheckedIOException(out, malformed);
    }
  }
}
