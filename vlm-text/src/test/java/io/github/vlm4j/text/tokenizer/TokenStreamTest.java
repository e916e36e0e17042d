package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.text.template.RenderedPrompt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenStreamTest {

  private static final Tokenizer TOKENIZER =
      Tokenizer.load(Path.of("src/test/resources/tokenizer/tiny"));

  private static List<String> streamed(int[] ids, boolean skipSpecial) {
    TokenStream stream = TOKENIZER.stream(skipSpecial);
    List<String> parts = new ArrayList<>();
    for (int id : ids) {
      parts.add(stream.add(id));
    }
    parts.add(stream.finish());
    return parts;
  }

  @ParameterizedTest
  @ValueSource(strings = {"Hello, world!", "图片里有一个 😀👩‍👩‍👧‍👦 naïve 안녕", "", "a�b", "ab\n\n  c"})
  void thePartsAreWholeCharactersAndGiveTheText(String text) {
    List<String> parts = streamed(TOKENIZER.encode(text), false);
    assertThat(String.join("", parts)).isEqualTo(text);
    for (String part : parts) {
      assertThat(part.codePoints().filter(c -> c >= 0xd800 && c <= 0xdfff)).isEmpty();
      if (!text.contains("\ufffd")) {
        assertThat(part).doesNotContain("\ufffd");
      }
    }
  }

  @Test
  void aCharacterIsHeldBackUntilItsLastByte() {
    int[] ids = TOKENIZER.encode("😀");
    assertThat(ids.length).isGreaterThan(1);
    List<String> parts = streamed(ids, false);
    assertThat(parts.subList(0, ids.length - 1)).containsOnly("");
    assertThat(parts.get(ids.length - 1)).isEqualTo("😀");
  }

  @Test
  void ordinaryTextIsHandedOutAtOnce() {
    int[] ids = TOKENIZER.encode("The picture shows a red circle");
    List<String> parts = streamed(ids, false);
    assertThat(parts.subList(0, ids.length)).noneMatch(String::isEmpty);
    assertThat(parts.getLast()).isEmpty();
  }

  @Test
  void anUnfinishedCharacterAppearsAtTheEnd() {
    int[] ids = TOKENIZER.encode("a😀");
    TokenStream stream = TOKENIZER.stream(false);
    assertThat(stream.add(ids[0])).isEqualTo("a");
    assertThat(stream.add(ids[1])).isEmpty();
    assertThat(stream.finish()).isEqualTo("\ufffd");
    assertThat(stream.finish()).isEmpty();
  }

  @Test
  void specialTokensAreLeftOutOnRequest() {
    int[] ids = TOKENIZER.encode(RenderedPrompt.trusted("<|im_start|>a<|im_end|>"));
    assertThat(String.join("", streamed(ids, true))).isEqualTo("a");
    assertThat(String.join("", streamed(ids, false))).isEqualTo("<|im_start|>a<|im_end|>");
  }

  @Test
  void randomTokensGiveWhatDecodingThemAllGives() {
    Random random = new Random(11);
    for (int round = 0; round < 50; round++) {
      // Mostly single bytes, hence mostly invalid UTF-8 with characters in between.
      int[] ids = random.ints(1 + random.nextInt(30), 0, 300).toArray();
      assertThat(String.join("", streamed(ids, false))).isEqualTo(TOKENIZER.decode(ids, false));
    }
  }

  @Test
  void longTextsAreStreamedInFull() {
    String text = "The picture shows a 红色 circle 😀. ".repeat(200);
    assertThat(String.join("", streamed(TOKENIZER.encode(text), false))).isEqualTo(text);
  }

  @Test
  void endlessGarbageIsHandedOutToo() {
    int lead = TOKENIZER.encode("😀")[0];
    TokenStream stream = TOKENIZER.stream(false);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      text.append(stream.add(lead));
    }
    assertThat(text.length()).isGreaterThan(1500);
    text.append(stream.finish());
    for (int id : TOKENIZER.encode("ok")) {
      text.append(stream.add(id));
    }
    assertThat(text.toString()).endsWith("\ufffdok").hasSize(2002);
  }
}
