package io.github.vlm4j.text.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CharacterTokenizerTest {

  private final CharacterTokenizer tokenizer = CharacterTokenizer.of("cab\r\na \uD83D\uDE00é", "T");

  @TempDir Path folder;

  @Test
  void theVocabularyIsTheTextsCharactersByCodePointAndThePadToken() {
    // Line ends are read as Python reads them; characters beyond 16 bits are one token.
    assertThat(tokenizer.vocabularySize()).isEqualTo(8);
    assertThat(tokenizer.encode("\n abcé\uD83D\uDE00")).containsExactly(0, 1, 2, 3, 4, 5, 6);
    assertThat(tokenizer.tokenOf(6)).isEqualTo("\uD83D\uDE00");
    assertThat(tokenizer.tokenOf(7)).isEqualTo("<pad>");
    assertThat(tokenizer.idOf("<pad>")).hasValue(7);
    assertThat(tokenizer.idOf("b")).hasValue(3);
    assertThat(tokenizer.idOf("x")).isEmpty();
    assertThat(tokenizer.idOf("ab")).isEmpty();
    assertThat(tokenizer.isSpecial(7)).isTrue();
    assertThat(tokenizer.isSpecial(6)).isFalse();
  }

  @Test
  void decodingGivesTheTextBackWithoutWhatIsNone() {
    int[] ids = {4, 2, 7, 3, 99, -1};
    assertThat(tokenizer.decode(ids, true)).isEqualTo("cab");
    assertThat(tokenizer.decode(ids, false)).isEqualTo("ca<pad>b");
  }

  @Test
  void aCharacterThatTheTextDoesNotHaveIsNamed() {
    assertThatThrownBy(() -> tokenizer.encode("abz"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("'z' (U+007A)")
        .hasMessageContaining("7");
    assertThatThrownBy(() -> tokenizer.tokenOf(8)).isInstanceOf(InputException.class);
  }

  @Test
  void aFileMustBeReadableText() throws IOException {
    Path bytes = Files.write(folder.resolve("bytes.txt"), new byte[] {'a', (byte) 0xff});
    assertThatThrownBy(() -> CharacterTokenizer.read(bytes))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("bytes.txt");
    Path empty = Files.writeString(folder.resolve("empty.txt"), "");
    assertThatThrownBy(() -> CharacterTokenizer.read(empty))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("empty.txt");
    assertThatThrownBy(() -> CharacterTokenizer.read(folder.resolve("none.txt")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("none.txt");
    Path text = Files.writeString(folder.resolve("text.txt"), "ba");
    assertThat(CharacterTokenizer.read(text).encode("ab")).containsExactly(0, 1);
  }
}
