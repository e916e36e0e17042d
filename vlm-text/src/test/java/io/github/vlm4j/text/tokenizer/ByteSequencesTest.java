package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ByteSequencesTest {

  private final ByteSequences sequences = new ByteSequences("abcabĠd");

  private boolean contain(String token) {
    byte[] bytes = ("ab" + token + "ab").getBytes(StandardCharsets.UTF_8);
    return sequences.contain(bytes, 2, bytes.length - 2);
  }

  private boolean containPair(String left, String right) {
    byte[] bytes = ("ab" + left + " " + right + "ab").getBytes(StandardCharsets.UTF_8);
    return sequences.containPair(bytes, 2, bytes.length - 2);
  }

  @Test
  void neighboursOccurWhereverTheyAre() {
    assertThat("abcabĠd ab bc cab abc abĠ Ġd Ġ abcabĠ".split(" ")).allMatch(this::contain);
    assertThat("abd ba abcabĠdd dab bd ġ abcd Ġda".split(" ")).noneMatch(this::contain);
  }

  @Test
  void pairsOccurSideBySide() {
    assertThat(containPair("ab", "c")).isTrue();
    assertThat(containPair("b", "Ġd")).isTrue();
    assertThat(containPair("a", "c")).isFalse();
    assertThat(containPair("x".repeat(100), "y".repeat(100))).isFalse();
    assertThat(containPair("ca", "b")).isTrue();
  }

  @Test
  void aTextOfOneByteHasNoNeighbours() {
    byte[] pair = {'a', 'a'};
    assertThat(new ByteSequences("a").contain(pair, 0, 2)).isFalse();
    assertThat(new ByteSequences("").contain(pair, 0, 2)).isFalse();
  }
}
