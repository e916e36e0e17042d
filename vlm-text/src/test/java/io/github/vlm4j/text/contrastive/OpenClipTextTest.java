package io.github.vlm4j.text.contrastive;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values from Python's {@code html.unescape} and from ftfy 6.3. */
class OpenClipTextTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "&amp;&lt&gt ~ &<>",
        "&notit; &notin; &not ~ ¬it; ∉ ¬",
        "&ampamp; ~ &amp;",
        "&CounterClockwiseContourIntegral; ~ ∳",
        "&unknown; &; & ~ &unknown; &; &",
        "&#65;&#x42;&#67 ~ ABC",
        "&#x80;&#150; ~ €–",
        "&#0;&#xD800;&#x110000;&#99999999999999999999; ~ \uFFFD\uFFFD\uFFFD\uFFFD",
        "[&#1;&#x7f;&#xFFFF;&#11;] ~ []",
        "&bne; ~ =\u20e5"
      })
  void referencesAreReadAsPythonReadsThem(String text, String expected) {
    assertThat(HtmlReferences.unescape(text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "&eacute; &EACUTE; &Eacute; &eacute ~ é É É &eacute",
        "BUNDESSTRA&SZLIG;E ~ BUNDESSTRASSE",
        "&HEARTS; &lt ~ ♥ &lt",
        "this&not that ~ this&not that",
        "&#59; &#x41; ~ &#59; A"
      })
  void onlyUnambiguousReferencesAreReadAtFirst(String text, String expected) {
    assertThat(HtmlReferences.unescapeUnambiguous(text)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "cafÃ© ~ café",
        "doesnâ€™t ~ doesn't",
        "ÃƒÂ© ~ é",
        "Ð¿Ñ\u0080Ð¸ ~ при",
        "ðŸ˜\u0080 ~ 😀",
        "voilÃ le travail ~ voilà le travail",
        "aÂ kg ~ a_kg",
        "déjà cafÃ© ~ déjà café",
        "next\u0085line ~ next…line",
        "«été»… ~ «été»…",
        "SÃO PAULO ~ SÃO PAULO",
        "Öl “für” Ä–Ü ~ Öl \"für\" Ä–Ü",
        "GROß“ ~ GROß\"",
        "x\u001b[36;44mblue\u001b[0m ~ xblue",
        "ﬁﬄ ĳ ŉ ǆ ﬅ ~ fiffl ij 'n dž ſt",
        "ＡＢＣ！　ｶﾞ ~ ABC! ガ",
        "‘a’ “b” ‛c‟ ~ 'a' \"b\" 'c\"",
        "a\u0000b\ufeffc\ufffcd ~ abcd"
      })
  void textIsFixedAsFtfyFixesIt(String text, String expected) {
    assertThat(TextFixes.applied(text)).isEqualTo(expected.replace('_', '\u00a0'));
  }

  @Test
  void angleBracketEndsTheReadingOfReferencesFromItsLineOn() {
    assertThat(TextFixes.applied("&amp;\n<&amp;\n&amp;")).isEqualTo("&\n<&amp;\n&amp;");
  }

  @Test
  void halfASurrogatePairBecomesAReplacement() {
    assertThat(TextFixes.applied("a\ud83dz")).isEqualTo("a\ufffdz");
  }

  @Test
  void deeplyNestedReferencesEnd() {
    String nested = "&" + "amp;".repeat(100_000);
    assertThat(TextFixes.applied(nested)).startsWith("&amp;");
  }

  @Test
  void cleanedTextIsLowerCaseWithSingleBlanks() {
    assertThat(OpenClipText.cleaned(" A\u00a0\t PHOTO&amp;lt;ΟΔΟΣ \u2003"))
        .isEqualTo("a photo<οδος");
  }
}
