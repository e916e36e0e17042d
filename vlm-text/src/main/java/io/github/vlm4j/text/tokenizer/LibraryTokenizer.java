package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A {@code tokenizer.json} as Hugging Face's library runs it: whatever looks like an added token in
 * a text is one. That is how the text encoders of contrastive models are used; for prompts, which
 * mix trusted and untrusted text, there is {@link Tokenizer}. Immutable and safe to share between
 * threads.
 */
public final class LibraryTokenizer {

  private final TokenizerFile file;
  private final NativeTokenizer library;

  private LibraryTokenizer(TokenizerFile file) {
    this.file = file;
    this.library = NativeTokenizer.create(file.json(Map.of()));
  }

  /** What is done to a text before the model of the file sees it. */
  public enum Preparation {
    /** What the file says. */
    AS_STORED,
    /** Lower-casing, then what the file says. */
    LOWERCASE,
    /**
     * SentencePiece's own normalisation by the rules that the file holds, without the blank that is
     * put before a text.
     */
    SENTENCE_PIECE
  }

  /**
   * Loads a file.
   *
   * @param tokenizerJson the file
   * @param preparation what to do to texts
   * @param special tokens to look for in texts even if the file does not list them as added; those
   *     outside its vocabulary are ignored
   * @return the tokenizer
   * @throws CheckpointException if the file is missing, malformed or of an unsupported kind
   * @throws BackendException if the native library cannot be loaded
   */
  public static LibraryTokenizer load(
      Path tokenizerJson, Preparation preparation, List<String> special) {
    return new LibraryTokenizer(
        prepared(withSpecial(TokenizerFileReader.read(tokenizerJson), special), preparation));
  }

  /**
   * Creates a tokenizer from a text in the format of {@code tokenizer.json}.
   *
   * @param origin what it was made from, for messages
   * @param json the text
   * @return the tokenizer
   * @throws CheckpointException if the text is malformed or of an unsupported kind
   * @throws BackendException if the native library cannot be loaded
   */
  public static LibraryTokenizer parse(Path origin, String json) {
    return new LibraryTokenizer(TokenizerFileReader.parse(origin, json));
  }

  /**
   * Token ids of a text, without those that a post-processor adds.
   *
   * @param text anything
   * @return its ids
   * @throws InputException if the text is longer than {@link Tokenizer#MAX_CHARS}
   */
  public int[] encode(String text) {
    if (text.length() > Tokenizer.MAX_CHARS) {
      throw new InputException(
          "The text has %,d characters; at most %,d can be tokenised."
              .formatted(text.length(), Tokenizer.MAX_CHARS));
    }
    return library.encode(HuggingFaceTokenizer.withoutLoneSurrogates(text));
  }

  /**
   * The id of a vocabulary entry or added token.
   *
   * @param token its spelling in the file
   * @return the id, or empty if there is no such token
   */
  public OptionalInt idOf(String token) {
    for (AddedToken added : file.addedTokens()) {
      if (added.content().equals(token)) {
        return OptionalInt.of(added.id());
      }
    }
    Integer id = file.vocabulary().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * The tokens that the file's post-processor puts around a single text.
   *
   * @return them, or empty if the file says nothing about it
   * @throws CheckpointException if the post-processor is malformed or of an unsupported kind
   */
  public Optional<TextFrame> frame() {
    return TextFrame.of(file);
  }

  private static TokenizerFile withSpecial(TokenizerFile file, List<String> special) {
    List<AddedToken> added = new ArrayList<>(file.addedTokens());
    for (String content : special) {
      Integer id = file.vocabulary().get(content);
      if (id != null && added.stream().noneMatch(token -> token.content().equals(content))) {
        added.add(new AddedToken(id, content, true, false, false, false, false));
      }
    }
    return file.with(added);
  }

  private static TokenizerFile prepared(TokenizerFile file, Preparation preparation) {
    return switch (preparation) {
      case AS_STORED -> file;
      case LOWERCASE ->
          file.with(sequence(created("Lowercase"), file.normalizer()), file.preTokenizer());
      case SENTENCE_PIECE -> sentencePiece(file);
    };
  }

  private static TokenizerFile sentencePiece(TokenizerFile file) {
    ObjectNode blanks = created("Replace").put("content", " ");
    blanks.putObject("pattern").put("Regex", " {2,}");
    ObjectNode strip = created("Strip").put("strip_left", false).put("strip_right", true);
    ObjectNode marks =
        created("Metaspace").put("replacement", "\u2581").put("prepend_scheme", "never");
    return file.with(
        sequence(precompiled(file.normalizer()), blanks, strip), marks.put("split", true));
  }

  private static @Nullable JsonNode precompiled(@Nullable JsonNode normalizer) {
    if (normalizer == null) {
      return null;
    }
    for (JsonNode part : normalizer.path("normalizers")) {
      if (part.path("type").asText().equals("Precompiled")) {
        return part;
      }
    }
    return normalizer.path("type").asText().equals("Precompiled") ? normalizer : null;
  }

  private static JsonNode sequence(@Nullable JsonNode... parts) {
    ObjectNode sequence = created("Sequence");
    var list = sequence.putArray("normalizers");
    for (JsonNode part : parts) {
      if (part != null) {
        list.add(part);
      }
    }
    return sequence;
  }

  private static ObjectNode created(String type) {
    return JsonNodeFactory.instance.objectNode().put("type", type);
  }
}
