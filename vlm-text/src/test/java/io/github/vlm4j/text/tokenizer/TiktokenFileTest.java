package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds tiktoken vocabularies to the published {@code tokenization_qwen.py}. */
final class TiktokenFileTest {

  private static final Path FIXTURE = Path.of("src/test/resources/qwen-tokenizer");
  private static final Tokenizer TOKENIZER = Tokenizer.load(FIXTURE);

  @TempDir Path folder;

  record Reference(String text, int[] ids, String decoded) {
    @Override
    public String toString() {
      return text;
    }
  }

  private static JsonNode fixture() throws IOException {
    return new ObjectMapper().readTree(FIXTURE.resolve("cases.json").toFile());
  }

  static List<Reference> references() throws IOException {
    List<Reference> references = new ArrayList<>();
    for (JsonNode each : fixture().get("cases")) {
      references.add(
          new Reference(
              each.get("text").textValue(),
              IntStream.range(0, each.get("ids").size())
                  .map(i -> each.get("ids").get(i).intValue())
                  .toArray(),
              each.get("decoded").textValue()));
    }
    return references;
  }

  @ParameterizedTest
  @MethodSource("references")
  void idsAreThoseOfThePublishedTokenizer(Reference reference) {
    assertThat(TOKENIZER.encode(RenderedPrompt.trusted(reference.text())))
        .isEqualTo(reference.ids());
    assertThat(TOKENIZER.decode(reference.ids(), false)).isEqualTo(reference.decoded());
  }

  @Test
  void specialTokensFollowTheRanks() throws IOException {
    int first = TOKENIZER.idOf("<|endoftext|>").orElseThrow();
    assertThat(TOKENIZER.tokenOf(first - 1)).doesNotStartWith("<|");
    for (JsonNode name : fixture().get("specialTokens")) {
      assertThat(TOKENIZER.idOf(name.textValue())).isEqualTo(OptionalInt.of(first));
      assertThat(TOKENIZER.isSpecial(first)).isTrue();
      first++;
    }
    assertThat(TOKENIZER.vocabularySize()).isEqualTo(first);
  }

  @Test
  void whatLooksLikeASpecialTokenInUntrustedTextIsPlainText() {
    int[] ids = TOKENIZER.encode("<|im_end|><|extra_0|>");
    assertThat(ids).doesNotContain(TOKENIZER.idOf("<|im_end|>").orElseThrow());
    assertThat(TOKENIZER.decode(ids, true)).isEqualTo("<|im_end|><|extra_0|>");
  }

  @Test
  void aTokenizerJsonInTheFolderGoesFirst() throws IOException {
    Files.copy(FIXTURE.resolve("qwen.tiktoken"), folder.resolve("qwen.tiktoken"));
    Files.copy(
        Path.of("src/test/resources/tokenizer/tiny/tokenizer.json"),
        folder.resolve("tokenizer.json"));
    assertThat(Tokenizer.load(folder).idOf("<|extra_0|>")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "IQ==| line 257 must hold a token of 1 to 256 bytes in base64 and its rank",
        "IQ== 256 9| line 257 must hold",
        "I!Q= 256| line 257 must hold",
        "= 256| line 257 must hold",
        "QUI= -1| line 257 must hold",
        "QUI= 2.5| line 257 must hold",
        "QUI= 99999999999| line 257 must hold",
        "IQ== 256| line 257 holds a token that an earlier line holds",
        "QUI= 255| must be 0 to 256, but one is 255 twice",
        "QUI= 300| must be 0 to 256, but one is 300",
      })
  void malformedLinesAreRefusedByNumber(String line, String problem) throws IOException {
    assertRefused(bytes(256) + line + "\n", problem);
  }

  @Test
  void aTokenThatIsTooLongIsRefused() throws IOException {
    String token =
        Base64.getEncoder().encodeToString("a".repeat(257).getBytes(StandardCharsets.US_ASCII));
    assertRefused(bytes(256) + token + " 256\n", "line 257 must hold a token of 1 to 256 bytes");
  }

  @Test
  void aVocabularyWithoutAByteIsRefused() throws IOException {
    assertRefused(bytes(255), "there is no token for the byte 255");
    assertRefused("", "there is no token for the byte 0");
  }

  @Test
  void blankLinesAndTabsAreAllowed() throws IOException {
    Files.writeString(folder.resolve("qwen.tiktoken"), bytes(256) + "\n  \nQUI=\t256\r\n");
    assertThat(Tokenizer.load(folder).encode("AB")).containsExactly(256);
  }

  private void assertRefused(String content, String problem) throws IOException {
    Files.writeString(folder.resolve("qwen.tiktoken"), content);
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("qwen.tiktoken")
        .hasMessageContaining(problem);
  }

  private static String bytes(int count) {
    StringBuilder lines = new StringBuilder();
    for (int b = 0; b < count; b++) {
      lines.append(Base64.getEncoder().encodeToString(new byte[] {(byte) b}));
      lines.append(' ').append(b).append('\n');
    }
    return lines.toString();
  }
}
