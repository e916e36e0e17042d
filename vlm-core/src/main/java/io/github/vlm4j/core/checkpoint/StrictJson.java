package io.github.vlm4j.core.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * How every JSON file of a model folder is parsed: strict UTF-8, bounded in depth and in length.
 */
final class StrictJson {

  private static final int MAX_DEPTH = 64;
  private static final int MAX_NAME_CHARS = 4096;
  private static final int MAX_STRING_CHARS = 8 << 20;

  private StrictJson() {}

  /**
   * Returns a factory of bounded parsers.
   *
   * @param maxTokens the most tokens that a document may have
   */
  static JsonFactory factory(long maxTokens) {
    return JsonFactory.builder()
        // Names of one document are hardly ever those of the next, and the shared symbol table
        // gives
        // up on names that were made to collide.
        .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(MAX_DEPTH)
                .maxNameLength(MAX_NAME_CHARS)
                .maxStringLength(MAX_STRING_CHARS)
                .maxTokenCount(maxTokens)
                .build())
        .build();
  }

  /**
   * Returns the characters of a stream. Jackson is given characters because on bytes it would guess
   * UTF-16 and UTF-32, and would let some malformed UTF-8 pass.
   */
  static Reader utf8(InputStream in) {
    return new InputStreamReader(
        in,
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT));
  }

  /** Returns what is wrong with a document, as in "is not valid JSON: …", or how reading failed. */
  static String problem(IOException e) {
    if (e instanceof CharacterCodingException) {
      return "is not valid UTF-8";
    }
    if (e instanceof JsonProcessingException json) {
      JsonLocation at = json.getLocation();
      String where =
          at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
      return "is not valid JSON: " + Excerpt.of(String.valueOf(json.getOriginalMessage())) + where;
    }
    // The message of a FileSystemException is often no more than the path.
    return "cannot be read: "
        + e.getClass().getSimpleName()
        + " "
        + Excerpt.of(String.valueOf(e.getMessage()));
  }

  /** Returns what the parser stands on, for a sentence that says what was found. */
  static String found(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case null -> "nothing";
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> Excerpt.quoted(parser.getText());
      default -> Excerpt.of(String.valueOf(parser.getText()));
    };
  }
}
