package io.github.vlm4j.text.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StopStringsTest {

  @Test
  void whatCouldBecomeAStopStringIsHeldBack() {
    StopStrings stops = new StopStrings(List.of("END"));
    assertThat(stops.accept("the E")).isEqualTo("the ");
    assertThat(stops.accept("N")).isEmpty();
    assertThat(stops.accept("emy")).isEqualTo("ENemy");
    assertThat(stops.stopped()).isFalse();
  }

  @Test
  void aStopStringAcrossPiecesEndsTheText() {
    StopStrings stops = new StopStrings(List.of("END"));
    assertThat(stops.accept("so E") + stops.accept("N") + stops.accept("D and more"))
        .isEqualTo("so ");
    assertThat(stops.stopped()).isTrue();
    assertThat(stops.accept("more")).isEmpty();
    assertThat(stops.finish()).isEmpty();
  }

  @Test
  void theEarliestOfSeveralCounts() {
    StopStrings stops = new StopStrings(List.of("late", "b"));
    assertThat(stops.accept("a b late")).isEqualTo("a ");
  }

  @Test
  void theEndReleasesWhatWasHeldBack() {
    StopStrings stops = new StopStrings(List.of("###"));
    assertThat(stops.accept("a ##")).isEqualTo("a ");
    assertThat(stops.finish()).isEqualTo("##");
    assertThat(stops.stopped()).isFalse();
  }

  @Test
  void withoutStopStringsEverythingPasses() {
    StopStrings stops = new StopStrings(List.of());
    assertThat(stops.accept("a") + stops.accept("b") + stops.finish()).isEqualTo("ab");
  }

  @Test
  void anEmptyStopStringIsRefused() {
    assertThatThrownBy(() -> new StopStrings(List.of("a", ""))).isInstanceOf(InputException.class);
  }

  @Test
  void howTheTextIsCutIntoPiecesMakesNoDifference() {
    for (int seed = 0; seed < 2000; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      String text = word(random, 24);
      List<String> stops = new ArrayList<>();
      for (int i = 0; i <= random.nextInt(3); i++) {
        stops.add(word(random, 4));
      }
      int end = stops.stream().mapToInt(text::indexOf).filter(at -> at >= 0).min().orElse(-1);

      StopStrings watched = new StopStrings(stops);
      StringBuilder passed = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int next = Math.min(text.length(), at + 1 + random.nextInt(3));
        passed.append(watched.accept(text.substring(at, next)));
        at = next;
      }
      passed.append(watched.finish());
      assertThat(passed.toString())
          .as("%s until %s", text, stops)
          .isEqualTo(end < 0 ? text : firstStopped(text, stops));
      assertThat(watched.stopped()).isEqualTo(end >= 0);
    }
  }

  /** The text before the stop string that is complete first. */
  private static String firstStopped(String text, List<String> stops) {
    for (int length = 1; length <= text.length(); length++) {
      String read = text.substring(0, length);
      int at = stops.stream().mapToInt(read::indexOf).filter(i -> i >= 0).min().orElse(-1);
      if (at >= 0) {
        return read.substring(0, at);
      }
    }
    return text;
  }

  private static String word(SplittableRandom random, int most) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i <= random.nextInt(most); i++) {
      word.append((char) ('a' + random.nextInt(2)));
    }
    return word.toString();
  }
}
