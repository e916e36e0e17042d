package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class QuantizeCommandTest {

  private static final Path MODEL = Fixtures.root().resolve("models/shapes-vl");

  @TempDir Path folder;

  private CommandRun quantize(String type) {
    return CommandRun.of(
        "quantize", "--model", MODEL, "--to", type, "--out", folder.resolve("shapes.gguf"));
  }

  @Test
  void aModelThatReadsPicturesBecomesTwoGgufFilesThatDescribeThem() {
    CommandRun written = quantize("q8_0");
    assertThat(written.code()).isZero();
    assertThat(written.out())
        .contains("tensors quantised")
        .contains("; the vision encoder is in " + folder.resolve("mmproj-shapes.gguf"));
    CommandRun described =
        CommandRun.of(
            "describe",
            "--model",
            folder.resolve("shapes.gguf"),
            Fixtures.root().resolve("examples/scene.png"));
    assertThat(described.out())
        .startsWith("A picture with four shapes: a large yellow circle at the top left");
  }

  @Test
  void filesThatAreThereAreNotReplaced() {
    assertThat(quantize("q4_0").code()).isZero();
    CommandRun again = quantize("q8_0");
    assertThat(again.code()).isNotZero();
    assertThat(again.err()).contains("shapes.gguf is there already; remove it");
  }

  @Test
  void helpIsShownAsItIsMeant() {
    CommandRun help = CommandRun.of("quantize", "--help");
    assertThat(help.err()).isEmpty();
    assertThat(help.out()).contains("53 % of 16 bits").contains("mmproj-FILE.gguf");
  }
}
