package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostileTokenizerFileTest {

  private static final Path TINY = Path.of("src/test/resources/tokenizer/tiny/tokenizer.json");

  @TempDir Path folder = Path.of("");

  private Path write(String json) throws IOException {
    return Files.writeString(folder.resolve("tokenizer.json"), json);
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "\"type\":\"BPE\" ~ \"type\":\"Unigram\" ~ only BPE",
        "\"!\":0 ~ \"!\":1 ~ belongs to two tokens",
        "\"!\":0 ~ \"!\":-1 ~ outside 0 to",
        "\"!\":0 ~ \"!\":4000000000 ~ outside 0 to",
        "\"!\":0 ~ \"!\":99999999999999999999 ~ cannot be read",
        "\"!\":0 ~ \"!\":\"0\" ~ must be an integer",
        "\"!\":0 ~ \"!\":0.5 ~ must be an integer",
        "\"!\":0 ~ \"\\ud800\":0 ~ surrogate",
        "\"!\":0, ~ \"!\":0,\"!\":9999, ~ occurs twice",
        "\"vocab\":{ ~ \"vocab\":[ ~ vocab",
        "\"id\":577 ~ \"id\":578 ~ belongs",
        "\"id\":577 ~ \"id\":5 ~ belongs to another",
        "\"id\":588 ~ \"id\":600 ~ is encoded as",
        "\"content\":\"<|im_end|>\" ~ \"content\":\"\" ~ empty",
        "\"content\":\"<|im_end|>\" ~ \"content\":\"<|im_start|>\" ~ twice",
        "\"content\":\"<|im_end|>\" ~ \"content\":7 ~ content",
        "\"merges\":[ ~ \"merges\":[[\"zz\",\"qq\"], ~ not in the vocabulary",
        "\"merges\":[ ~ \"merges\":[[\"!\",\"!\"], ~ rejects",
        "\"merges\":[ ~ \"merges\":[[\"!\"], ~ two tokens",
        "\"merges\":[ ~ \"merges\":[\"a  b\", ~ a space between",
        "\"continuing_subword_prefix\":null ~ \"continuing_subword_prefix\":\"##\" ~ not supported",
        "\"unk_token\":null ~ \"unk_token\":\"nowhere\" ~ not in the vocabulary",
        "\"type\":\"NFC\" ~ \"type\":\"Precompiled\" ~ precompiled_charsmap",
        "\"type\":\"Split\" ~ \"type\":\"Nonsense\" ~ not supported",
        "\"behavior\":\"Isolated\" ~ \"behavior\":\"Explode\" ~ must be one of",
        "\"Regex\":\"(?i ~ \"Regex\":\"(a+)+$(?i ~ none of those known to be safe",
        "\"Regex\":\" ~ \"String\":\"\",\"x\":\" ~ must be a string",
        "\"decoder\":{\"type\":\"ByteLevel\" ~ \"decoder\":{\"type\":\"Strip\",\"content\":\""
            + " \",\"stop\":9 ~ Strip",
        "\"version\": ~ \"model\":{},\"version\": ~ occurs twice"
      })
  void malformedFilesAreRefusedWithAReason(String original, String replacement, String reason)
      throws IOException {
    String json = Files.readString(TINY);
    assertThat(json).contains(original);
    write(json.replace(original, replacement));
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining("tokenizer");
  }

  @Test
  void deepNestingIsRefused() throws IOException {
    write("{\"normalizer\":" + "[".repeat(100_000));
    assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(CheckpointException.class);
  }

  @Test
  void mutatedFilesLoadOrFailWithTypedExceptions() throws IOException {
    byte[] original = Files.readAllBytes(TINY);
    Random random = new Random(99);
    int loaded = 0;
    int refused = 0;
    for (int i = 0; i < 2000; i++) {
      Path file = folder.resolve("tokenizer.json");
      Files.write(file, mutated(original, random));
      Throwable failure =
          catchThrowable(() -> {
            Tokenizer tokenizer = Tokenizer.load(folder);
            int[] ids =
                tokenizer.encode(
                    RenderedPrompt.trusted("<|im_start|>user 图 don't\n\n  1234<|im_end|>"));
            tokenizer.decode(ids, true);
            tokenizer.encode("<|im_start|> x");
          });
      if (failure == null) {
        loaded++;
      } else {
        refused++;
        assertThat(failure).isInstanceOf(VlmException.class);
      }
    }
    assertThat(loaded).isGreaterThan(30);
    assertThat(refused).isGreaterThan(700);
  }

  /** Changes bytes anywhere, but more often in the small parts than in the long vocabulary. */
  private static byte[] mutated(byte[] original, Random random) {
    String json = new String(original, StandardCharsets.UTF_8);
    int vocabulary = json.indexOf("\"vocab\"");
    StringBuilder mutated = new StringBuilder(json);
    String pieces = "{}[]\",:0129-.eE\\truefalsnxu \u0000\u00e9";
    for (int edits = 1 + random.nextInt(2); edits > 0; edits--) {
      int at =
          random.nextInt(
              random.nextInt(4) == 0 ? mutated.length() : Math.min(vocabulary, mutated.length()));
      int end = Math.min(mutated.length(), at + 1 + random.nextInt(8));
      switch (random.nextInt(5)) {
        case 0 -> mutated.delete(at, end);
        case 1 -> mutated.insert(at, pieces.charAt(random.nextInt(pieces.length())));
        case 2 -> mutated.setCharAt(at, pieces.charAt(random.nextInt(pieces.length())));
        case 3 -> mutated.insert(at, mutated.substring(at, end));
        default -> {
          if (Character.isDigit(mutated.charAt(at))) {
            mutated.replace(at, at + 1, Long.toString(random.nextLong() >> random.nextInt(64)));
          } else {
            mutated.setLength(Math.max(1, random.nextInt(10) == 0 ? at : mutated.length()));
          }
        }
      }
    }
    return mutated.toString().getBytes(StandardCharsets.UTF_8);
  }
}
