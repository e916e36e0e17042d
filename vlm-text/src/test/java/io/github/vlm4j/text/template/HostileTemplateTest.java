package io.github.vlm4j.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostileTemplateTest {

  /** Small enough for the test to be quick, large enough for ordinary templates. */
  private static final Limits SMALL = new Limits(1 << 20, 100, 256, 10_000, 1 << 20, 2 << 20);

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 'a' * 10**9 }}",
        "{{ 'ab' * 9223372036854775807 }}",
        "{{ [0] * 10**12 }}",
        "{{ range(10**12) | list }}",
        "{{ range(-9223372036854775807, 9223372036854775807) | length }}",
        "{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) if false %}{% endfor %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor"
            + " %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s = n.s ~ n.s %}{% endfor"
            + " %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s %}{{ n.s }}{{ n.s }}{%"
            + " endset %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s = n.s.replace('a', 'aa')"
            + " %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s = '%s%s' % (n.s, n.s)"
            + " %}{% endfor %}",
        "{% set n = namespace(s='a') %}{% for i in range(100) %}{% set n.s = [n.s, n.s] | join %}{%"
            + " endfor %}",
        "{% set n = namespace(l=[1]) %}{% for i in range(100) %}{% set n.l = n.l + n.l %}{% endfor"
            + " %}",
        "{% set n = namespace(l=[1]) %}{% for i in range(100) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l }}",
        "{% set n = namespace(l=[1]) %}{% for i in range(100) %}{% set n.l = [n.l, n.l] %}{% endfor"
            + " %}{{ n.l | tojson }}",
        "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set n.a = [n.a, n.a] %}{%"
            + " set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}",
        "{% set n = namespace(l=[1]) %}{% for i in range(5000) %}{% set n.l = [n.l] %}{% endfor"
            + " %}{{ n.l }}",
        "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(x) %}{% for i in [1, 2] %}{{ m(x + 1) }}{% endfor %}{% endmacro %}{{ m(0) }}",
        "{% macro a() %}{% call a() %}{% endcall %}{% endmacro %}{{ a() }}",
        "{% set s = 'a' * 1000000 %}{{ (s ~ 'b') in s }}{% set t = 'a' * 500000 ~ 'b' %}{{ t in s"
            + " }}",
        "{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{{ s.replace('b', 'c') | length }}{%"
            + " endfor %}",
        "{% set s = 'a ' * 500000 %}{% for i in range(9999) %}{% set x = s.split() %}{% endfor %}",
        "{{ 'x' | indent(10**12) }}",
        "{{ 'x' | center(10**12) }}",
        "{{ [1] | tojson(indent=10**12) }}",
        "{{ [[[[[[1]]]]]] | tojson(indent=900000) }}",
        "{{ '%99999d' % 1 }}{{ 'x' * 2000000 }}",
        "{{ [1] | batch(10**9, 0) | list }}"
      })
  void costlyTemplatesEndWithAnException(String source) {
    ChatTemplate template = ChatTemplate.parse(source, "t", SMALL);
    assertThatThrownBy(() -> template.render(Map.of())).isInstanceOf(VlmException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ 2 ** 64 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ -9223372036854775807 - 2 }}"
      })
  void numbersBeyond64BitsAreRefused(String source) {
    assertThatThrownBy(() -> ChatTemplate.parse(source, "t").render(Map.of()))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("64 bits");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        "[",
        "{1:",
        "-",
        "not ",
        "a[",
        "a(",
        "a if ",
        "1 if 1 else ",
        "x is y(",
        "'a' ~ ("
      })
  void deepNestingIsRefusedWhileParsing(String open) {
    String source = "{{ " + open.repeat(100_000);
    assertThatThrownBy(() -> ChatTemplate.parse(source, "t"))
        .isInstanceOf(CheckpointException.class);
  }

  @Test
  void deeplyNestedBlocksAreRefusedWhileParsing() {
    assertThatThrownBy(() -> ChatTemplate.parse("{% if 1 %}".repeat(50_000), "t"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("nested more than 100 levels deep");
    assertThatThrownBy(() -> ChatTemplate.parse("{% for a in b %}".repeat(50_000), "t"))
        .isInstanceOf(CheckpointException.class);
    assertThatThrownBy(() -> ChatTemplate.parse("{% set " + "(".repeat(50_000), "t"))
        .isInstanceOf(CheckpointException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {" + 1", " - 1", " * 1", " and 1", " or 0", ".a", "[0]", "|abs", "()", " is odd"})
  void longChainsNeitherOverflowTheStackNorHang(String link) throws InterruptedException {
    String source = "{{ 1" + link.repeat(50_000) + " }}";
    List<Throwable> thrown = new ArrayList<>();
    // Half of the usual stack.
    Thread thread =
        new Thread(
            null,
            () -> {
              Throwable failure =
                  catchThrowable(() -> ChatTemplate.parse(source, "t").render(Map.of()));
              if (failure != null) {
                thrown.add(failure);
              }
            },
            "small stack",
            512 << 10);
    thread.start();
    thread.join();
    assertThat(thrown).allSatisfy(failure -> assertThat(failure).isInstanceOf(VlmException.class));
  }

  @Test
  void tooLongTemplatesAreRefused() {
    assertThatThrownBy(() -> ChatTemplate.parse("x".repeat((1 << 20) + 1), "big.jinja"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("big.jinja");
  }

  @Test
  void variablesThatContainThemselvesAreRefused() {
    List<Object> list = new ArrayList<>();
    list.add(list);
    assertThatThrownBy(() -> ChatTemplate.parse("{{ x }}", "t").render(Map.of("x", list)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("nested");
  }

  @Test
  void javaObjectsAreRefused() {
    assertThatThrownBy(() -> ChatTemplate.parse("{{ x }}", "t").render(Map.of("x", new Object())))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("java.lang.Object");
  }

  @Test
  void mutatedTemplatesRenderOrFailWithTypedExceptions() {
    Random random = new Random(20250101);
    List<Corpus.Case> cases = Corpus.cases();
    List<String> sources = cases.stream().map(Corpus.Case::template).toList();
    int failed = 0;
    int rendered = 0;
    for (int i = 0; i < 3000; i++) {
      Corpus.Case each = cases.get(random.nextInt(cases.size()));
      String mutated = mutated(each.template(), sources, random);
      Throwable failure = failure(mutated, each.variables());
      if (failure == null) {
        rendered++;
      } else {
        failed++;
        assertThat(failure).as(mutated).isInstanceOf(VlmException.class);
      }
    }
    assertThat(failed).isGreaterThan(600);
    assertThat(rendered).isGreaterThan(300);
  }

  private static @Nullable Throwable failure(String source, Map<String, Object> variables) {
    return catchThrowable(
        () -> ChatTemplate.parse(source, "t", SMALL).render(new HashMap<>(variables)));
  }

  private static String mutated(String source, List<String> sources, Random random) {
    StringBuilder mutated = new StringBuilder(source);
    String pieces = "{}%#-+*/~|.,:()[]'\"\\ \n\t019aex=<>!\u00e9\ud83d";
    for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
      int at = random.nextInt(mutated.length() + 1);
      int end = Math.min(mutated.length(), at + random.nextInt(12));
      switch (random.nextInt(5)) {
        case 0 -> mutated.delete(at, end);
        case 1 -> mutated.insert(at, pieces.charAt(random.nextInt(pieces.length())));
        case 2 -> mutated.insert(at, mutated.substring(at, end));
        case 3 -> {
          String other = sources.get(random.nextInt(sources.size()));
          int from = random.nextInt(other.length() + 1);
          mutated.insert(at, other, from, Math.min(other.length(), from + random.nextInt(40)));
        }
        default -> mutated.replace(at, end, Long.toString(random.nextLong()));
      }
    }
    return mutated.toString();
  }
}
