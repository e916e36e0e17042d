package io.github.vlm4j.core.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class Utf8TextsTest {

  private static final List<String> WORDS = List.of("", "Ġb", "名前", "b", "", "Ġbc", "b", "😀");

  private final Utf8Texts texts = Utf8Texts.of(WORDS);

  @Test
  void areTheTextsTheyWereMadeOf() {
    assertThat(texts).isEqualTo(WORDS).hasSameHashCodeAs(WORDS);
    assertThat(Utf8Texts.of(texts)).isSameAs(texts);
  }

  @Test
  void theFirstOfEqualTextsIsFound() {
    for (String word : WORDS) {
      assertThat(texts.indexOf(word)).as(word).isEqualTo(WORDS.indexOf(word));
    }
    assertThat(texts.indexOf("Ġ")).isEqualTo(-1);
    assertThat(texts.indexOf("?")).isEqualTo(-1);
    assertThat(texts.indexOf(null)).isEqualTo(-1);
  }

  @Test
  void unpairedSurrogatesOfNeighboursDoNotBecomeACharacter() {
    assertThat(Utf8Texts.of(List.of("\ud83d", "\ude00"))).containsExactly("?", "?");
    assertThat(Utf8Texts.of(List.of("?")).indexOf("\ud83d")).isEqualTo(-1);
  }

  @Test
  void testsSeeTheBytesOfOneTextEach() {
    assertThat(texts.where((utf8, from, to) -> to - from == 1 && utf8[from] == 'b'))
        .containsExactly(3, 6);
    assertThat(
            texts.where((utf8, from, to) ->
                new String(utf8, from, to - from, StandardCharsets.UTF_8).equals("名前")))
        .containsExactly(2);
  }

  @Test
  void anyNumberOfPlacesIsFound() {
    Utf8Texts texts = Utf8Texts.of(Collections.nCopies(1000, "ab"));

    assertThat(texts.where((utf8, from, to) -> true)).hasSize(1000).endsWith(998, 999);
    assertThat(texts.where((utf8, from, to) -> false)).isEmpty();
  }
}
