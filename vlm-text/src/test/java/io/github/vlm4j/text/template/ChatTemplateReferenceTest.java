package io.github.vlm4j.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChatTemplateReferenceTest {

  static List<Corpus.Case> rendered() {
    return Corpus.cases().stream().filter(each -> each.expected() != null).toList();
  }

  static List<Corpus.Case> failing() {
    return Corpus.cases().stream().filter(each -> each.expected() == null).toList();
  }

  private static String render(Corpus.Case each) {
    return ChatTemplate.parse(each.template(), "test")
        .withClock(Corpus.CLOCK)
        .render(each.variables())
        .text();
  }

  @ParameterizedTest
  @MethodSource("rendered")
  void rendersWhatJinja2Renders(Corpus.Case each) {
    assertThat(render(each)).isEqualTo(each.expected());
  }

  @ParameterizedTest
  @MethodSource("failing")
  void failsWhereJinja2Fails(Corpus.Case each) {
    assertThat(catchThrowable(() -> render(each)))
        .isInstanceOf(VlmException.class)
        .hasMessageContaining("Chat template test, line ");
  }

  @Test
  void theCorpusHasManyCasesOfBothKinds() {
    assertThat(rendered()).hasSizeGreaterThan(130);
    assertThat(failing()).hasSizeGreaterThan(80);
  }

  @Test
  void raiseExceptionCarriesTheTemplatesMessageAndPosition() {
    ChatTemplate template =
        ChatTemplate.parse("a\n  {{ raise_exception('Roles must alternate') }}", "folder/x.jinja");
    assertThat(catchThrowable(() -> template.render(java.util.Map.of())))
        .isInstanceOf(InputException.class)
        .hasMessage("Chat template folder/x.jinja, line 2, column 21: Roles must alternate");
  }

  @Test
  void constantsAreVisibleAndCanBeHidden() {
    ChatTemplate template =
        ChatTemplate.parse("{{ bos_token }}", "t")
            .withConstants(java.util.Map.of("bos_token", "<s>"));
    assertThat(template.render(java.util.Map.of()).text()).isEqualTo("<s>");
    assertThat(template.render(java.util.Map.of("bos_token", "x")).text()).isEqualTo("x");
  }
}
