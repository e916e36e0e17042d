package io.github.vlm4j.text.encoder;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EndOfTextTest {

  private static final int[] IDS = {90, 5, 7, 99, 3, 99, 99, 120};

  @Test
  void openAiTakesTheFirstTokenOfTheGreatestId() {
    assertThat(EndOfText.greatest().find(new int[] {90, 5, 99, 3, 99})).isEqualTo(2);
    assertThat(EndOfText.greatest().find(IDS)).isEqualTo(7);
  }

  @Test
  void huggingFaceTakesTheFirstEndOfTextToken() {
    assertThat(EndOfText.ofEosTokenId(99).find(IDS)).isEqualTo(3);
  }

  @Test
  void theHistoricalWrongValueMeansTheGreatestId() {
    assertThat(EndOfText.ofEosTokenId(2).find(IDS)).isEqualTo(7);
  }

  @Test
  void aTextWithoutEndIsPooledAtItsBeginningAsInTheReference() {
    assertThat(EndOfText.ofEosTokenId(77).find(IDS)).isZero();
  }
}
