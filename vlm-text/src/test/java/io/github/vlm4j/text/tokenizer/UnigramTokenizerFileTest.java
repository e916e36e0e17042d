package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.text.tokenizer.LibraryTokenizer.Preparation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** SentencePiece's model and rules, whole and spoilt: nothing may end the process. */
class UnigramTokenizerFileTest {

  private static final Path SIGLIP =
      Path.of("src/test/resources/siglip-tokenizer/siglip/tokenizer.json");
  private static final String TEXT =
      "Ａａｂ ½ ﬁne …  🐱👨‍👩 \u0000\u0007 в猫が e\u0301 ① ㌔ \u200b\u00ad a photo of a cat";

  @Test
  void fileIsReadAsItIs() throws IOException {
    LibraryTokenizer tokenizer = parse(Files.readString(SIGLIP));

    assertThat(tokenizer.idOf("</s>")).hasValue(1);
    assertThat(tokenizer.frame()).hasValue(new TextFrame(List.of(), List.of(1)));
    assertThat(tokenizer.encode("a photo of a cat")).containsExactly(259, 263, 264, 259, 272, 268);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "\"unk_id\":2 ~ \"unk_id\":99999 ~ unk_id",
        "\"unk_id\":2 ~ \"unk_id\":null ~ unk_id",
        "\"type\":\"Unigram\" ~ \"type\":\"BPE\" ~ only BPE",
        "[\"<pad>\",0.0] ~ [\"<pad>\"] ~ no finite number",
        "[\"<pad>\",0.0] ~ [\"\",0.0] ~ empty",
        "[\"<pad>\",0.0] ~ [\"<unk>\",0.0] ~ twice",
        "[\"<pad>\",0.0] ~ [\"<pad>\",1e999] ~ no finite number",
        "[\"<pad>\",0.0] ~ [\"<pad>\",0.0,1] ~ a pair",
        "[\"<pad>\",0.0] ~ 7 ~ a list",
        "[\"<pad>\",0.0] ~ [\"\\ud800\",0.0] ~ surrogate",
        "\"precompiled_charsmap\":\" ~ \"precompiled_charsmap\":\"!\",\"x\":\" ~ base64",
        "\"precompiled_charsmap\":\" ~ \"precompiled_charsmap\":\"\",\"x\":\" ~ header",
        "\"precompiled_charsmap\":\" ~ \"precompiled_charsmap\":\"////fw==\",\"x\":\" ~ no trie",
        "\"precompiled_charsmap\":\" ~ \"precompiled_charsmap\":\"BAAAAAAAAAA=\",\"x\":\" ~ itself",
        "\"ids\":[1] ~ \"ids\":[77777] ~ not in the vocabulary",
        "\"type\":\"TemplateProcessing\" ~ \"type\":\"Nonsense\" ~ not supported",
        "\\\\s+ ~ (a+)+$ ~ none of those known to be safe",
        "[!\\\" ~ [[!\\\" ~ none of those known to be safe"
      })
  void malformedFilesAreRefusedWithAReason(String original, String replacement, String reason)
      throws IOException {
    String json = compact();
    assertThat(json).contains(original);
    assertThatThrownBy(() -> parse(json.replace(original, replacement)).frame())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void spoiltRulesAreRefusedOrHarmless() throws IOException {
    String json = compact();
    String field = "\"precompiled_charsmap\":\"";
    int start = json.indexOf(field) + field.length();
    String stored = json.substring(start, json.indexOf('"', start));
    Random random = new Random(11);
    int refused = 0;
    int rounds = Integer.getInteger("vlm4j.test.rounds", 150);
    for (int round = 0; round < rounds; round++) {
      byte[] rules = Base64.getDecoder().decode(stored);
      for (int i = random.nextInt(1, 6); i > 0; i--) {
        rules[random.nextInt(rules.length)] ^= (byte) (1 << random.nextInt(8));
      }
      String spoilt = json.replace(stored, Base64.getEncoder().encodeToString(rules));
      Throwable thrown = catchThrowable(() -> parse(spoilt).encode(TEXT));
      if (thrown != null) {
        assertThat(thrown).isInstanceOf(VlmException.class);
        refused++;
      }
    }
    assertThat(refused).isBetween(1, rounds - 1);
  }

  @Test
  void spoiltFilesAreRefusedOrHarmless() throws IOException {
    String json = compact();
    int rules = json.indexOf("\"precompiled_charsmap\":\"");
    int afterRules = json.indexOf('"', rules + 30);
    Random random = new Random(12);
    String pieces = "{}[]\",:0129-.eE\\truefalsnxu";
    int refused = 0;
    int rounds = Integer.getInteger("vlm4j.test.rounds", 150);
    for (int round = 0; round < rounds; round++) {
      StringBuilder spoilt = new StringBuilder(json);
      int at =
          random.nextBoolean()
              ? random.nextInt(rules)
              : afterRules + random.nextInt(json.length() - afterRules);
      int end = Math.min(at + 1 + random.nextInt(8), json.length());
      switch (random.nextInt(4)) {
        case 0 -> spoilt.delete(at, end);
        case 1 -> spoilt.insert(at, pieces.charAt(random.nextInt(pieces.length())));
        case 2 -> spoilt.insert(at, json.substring(at, end));
        default -> spoilt.setCharAt(at, pieces.charAt(random.nextInt(pieces.length())));
      }
      Throwable thrown =
          catchThrowable(() -> {
            LibraryTokenizer tokenizer = parse(spoilt.toString());
            tokenizer.frame();
            tokenizer.encode(TEXT);
          });
      if (thrown != null) {
        assertThat(thrown).isInstanceOf(VlmException.class);
        refused++;
      }
    }
    assertThat(refused).isBetween(1, rounds - 1);
  }

  private static LibraryTokenizer parse(String json) {
    return LibraryTokenizer.parse(SIGLIP, json);
  }

  @Test
  void preparationsChangeWhatTheModelSees() throws IOException {
    LibraryTokenizer bare = LibraryTokenizer.load(SIGLIP, Preparation.SENTENCE_PIECE, List.of());
    LibraryTokenizer lower = LibraryTokenizer.load(SIGLIP, Preparation.LOWERCASE, List.of());

    assertThat(bare.encode("\u2581a photo")).isEqualTo(lower.encode("A PHOTO"));
    assertThat(bare.encode("a photo")).isNotEqualTo(lower.encode("a photo"));
  }

  private static String compact() throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    return mapper.writeValueAsString(mapper.readTree(SIGLIP.toFile()));
  }
}
