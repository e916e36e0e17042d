package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What is compiled for a device is shown to whoever watches, and to nobody else. */
final class WarmUpProgressTest {

  private static final String CLEARED = "\r\u001b[K";

  private static final Object[] SIMILARITY = {
    "similarity",
    "--backend",
    "warming",
    "--text",
    "a red circle",
    "--image",
    Fixtures.root().resolve("examples/scene.png")
  };

  @Test
  void kernelsAndTheirTimeAreShownOnATerminal() {
    CommandRun run = CommandRun.typed("", SIMILARITY);
    assertThat(run.code()).isEqualTo(Main.OK);
    assertThat(run.err())
        .contains(CLEARED + "Compiling kernels for the device: 1 in 1.2 s")
        .contains(CLEARED + "Compiling kernels for the device: 2 in 2.6 s")
        .endsWith(CLEARED);
  }

  @Test
  void nothingIsShownElsewhere() {
    CommandRun.of(SIMILARITY).succeeded();
  }

  @Test
  void nothingIsShownOverAnAnswer() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    Terminal terminal =
        new Terminal(
            InputStream.nullInputStream(),
            new PrintStream(out, false, StandardCharsets.UTF_8),
            new PrintStream(err, false, StandardCharsets.UTF_8),
            true,
            true);

    terminal.progress("before");
    terminal.answer("A red");
    terminal.progress("during");
    terminal.answer(" circle.");
    terminal.endAnswer();
    terminal.progress("after");

    assertThat(out.toString(StandardCharsets.UTF_8))
        .isEqualTo("A red circle." + System.lineSeparator());
    assertThat(err.toString(StandardCharsets.UTF_8))
        .isEqualTo(CLEARED + "before" + CLEARED + CLEARED + "after");
  }
}
