package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class BackendsCommandTest {

  @Test
  void listsWhatIsUsableAndWhyTheOthersAreNot() {
    String out = CommandRun.of("backends").succeeded().out();
    assertThat(out)
        .containsPattern("(?m)^cpu +usable +\\S")
        .containsPattern("(?m)^absent +not usable +there is no such device");
  }

  @Test
  void tellsTheVectorWidthAndTheMachine() {
    String out = CommandRun.of("backends").succeeded().out();
    assertThat(out)
        .containsPattern("(?m)^cpu .*(vector-\\d+|scalar)")
        .containsPattern("(?m)^Processor +\\S")
        .containsPattern("(?m)^Memory +\\d")
        .containsPattern("(?m)^Java +\\S");
  }
}
