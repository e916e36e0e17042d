package io.github.vlm4j.text.tokenizer;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Takes every character for a token, as tutorials after makemore do: the vocabulary is the
 * characters of a text in the order of their code points, and then {@value #PAD}, which fills up
 * and ends texts. Nothing that is encoded is a control token.
 */
public final class CharacterTokenizer implements Tokenizer {

  /** The one entry that is not a character. */
  public static final String PAD = "<pad>";

  private static final long MAX_BYTES = 256L << 20;

  private final String source;
  private final int[] characters;

  private CharacterTokenizer(String source, int[] characters) {
    this.source = source;
    this.characters = characters;
  }

  /**
   * Takes the characters of a text.
   *
   * @param text may be long; line ends are {@code \n}, as Python reads them
   * @param source where it is from, for error messages
   */
  public static CharacterTokenizer of(String text, String source) {
    String lines = text.replace("\r\n", "\n").replace('\r', '\n');
    return new CharacterTokenizer(source, lines.codePoints().sorted().distinct().toArray());
  }

  /**
   * Takes the characters of a text file.
   *
   * @throws CheckpointException if it is missing, empty, too large or not UTF-8
   */
  public static CharacterTokenizer read(Path file) {
    String text;
    try {
      long size = Files.size(file);
      if (!Files.isRegularFile(file) || size > MAX_BYTES || size == 0) {
        throw new CheckpointException(
            file
                + " must be a text file of 1 to "
                + MAX_BYTES
                + " bytes, whose characters are the vocabulary.");
      }
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
              .toString();
    } catch (CharacterCodingException malformed) {
      throw new CheckpointException(
          file + " is not UTF-8 text, whose characters could be the vocabulary.", malformed);
    } catch (IOException unreadable) {
      throw new CheckpointException(
          "The text "
              + file
              + " whose characters are the vocabulary cannot be read: "
              + unreadable.getMessage()
              + ".",
          unreadable);
    }
    return of(text, file.toString());
  }

  /** Returns the id of {@value #PAD}, which is the number of characters. */
  public int padId() {
    return characters.length;
  }

  /**
   * {@inheritDoc}
   *
   * @throws InputException also if a character is not in the vocabulary
   */
  @Override
  public int[] encode(RenderedPrompt prompt) {
    String text = prompt.text();
    if (text.length() > MAX_CHARS) {
      throw new InputException(
          "The text has "
              + text.length()
              + " characters, more than the "
              + MAX_CHARS
              + " that can be tokenised.");
    }
    return text.codePoints()
        .map(character -> {
          int id = Arrays.binarySearch(characters, character);
          if (id < 0) {
            throw new InputException(
                "The character '%s' (U+%04X) is not among the %d that this model knows, those of %s."
                    .formatted(
                        Character.toString(character), character, characters.length, source));
          }
          return id;
        })
        .toArray();
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      if (id >= 0 && id < characters.length) {
        text.appendCodePoint(characters[id]);
      } else if (id == padId() && !skipSpecial) {
        text.append(PAD);
      }
    }
    return text.toString();
  }

  @Override
  public OptionalInt idOf(String token) {
    if (token.equals(PAD)) {
      return OptionalInt.of(padId());
    }
    int id =
        token.codePointCount(0, token.length()) == 1
            ? Arrays.binarySearch(characters, token.codePointAt(0))
            : -1;
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public String tokenOf(int id) {
    if (id < 0 || id >= vocabularySize()) {
      throw new InputException(
          "There is no token " + id + "; ids are from 0 to " + (vocabularySize() - 1) + ".");
    }
    return id == padId() ? PAD : Character.toString(characters[id]);
  }

  @Override
  public boolean isSpecial(int id) {
    return id == padId();
  }

  @Override
  public int vocabularySize() {
    return characters.length + 1;
  }
}
