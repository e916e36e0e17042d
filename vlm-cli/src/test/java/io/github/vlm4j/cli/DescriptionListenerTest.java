package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class DescriptionListenerTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final DescriptionListener listener = listener("a.png: ");

  private DescriptionListener listener(String label) {
    PrintStream stream = new PrintStream(out, false, StandardCharsets.UTF_8);
    return new DescriptionListener(
        new Terminal(new ByteArrayInputStream(new byte[0]), stream, stream, false, false), label);
  }

  private String shown() {
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void eachWordIsShownWhenItComesAfterTheLabel() {
    assertThat(shown()).isEmpty();
    listener.text("A");
    assertThat(shown()).isEqualTo("a.png: A");
    listener.text(" star");
    assertThat(shown()).isEqualTo("a.png: A star");
  }

  @Test
  void whiteSpaceAroundADescriptionIsLeftOutAndWithinItIsKept() {
    listener.text(" \n");
    assertThat(shown()).isEmpty();
    listener.text(" A\n");
    listener.text(" ");
    listener.text(" star.\n\n");
    listener.end();
    assertThat(shown()).isEqualTo("a.png: A\n  star." + System.lineSeparator());
  }

  @Test
  void withoutAWordTheLineIsTheLabelAlone() {
    listener.text("  ");
    listener.end();
    assertThat(shown()).isEqualTo("a.png: " + System.lineSeparator());
  }
}
