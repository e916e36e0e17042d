package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.JsonTree;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads and validates a {@code tokenizer.json} in one pass. */
final class TokenizerFileReader {

  private static final long MAX_BYTES = 128L << 20;
  private static final int MAX_ID = 1 << 22;
  private static final int MAX_TOKEN_CHARS = 4096;
  private static final int MAX_ADDED_TOKENS = 1 << 16;
  private static final int MAX_SHOWN = 40;

  private final Path path;
  private final Map<String, Integer> vocabulary = new LinkedHashMap<>();
  private final BitSet ids = new BitSet();
  private final List<String> merges = new ArrayList<>();
  private final List<Double> scores = new ArrayList<>();
  private final List<AddedToken> addedTokens = new ArrayList<>();
  private final Map<String, JsonNode> settings = new HashMap<>();
  private final Map<String, JsonNode> components = new HashMap<>();

  private TokenizerFileReader(Path path) {
    this.path = path;
  }

  static TokenizerFile read(Path path) {
    TokenizerFileReader reader = new TokenizerFileReader(path);
    try {
      long size = Files.size(path);
      if (size > MAX_BYTES) {
        throw reader.broken("has %,d bytes, more than the %,d allowed".formatted(size, MAX_BYTES));
      }
      try (InputStream in = Files.newInputStream(path)) {
        reader.readAll(in);
      }
      return reader.finish();
    } catch (NoSuchFileException e) {
      throw new CheckpointException(
          "The model folder has no tokenizer.json (looked for "
              + path
              + "); copy it there from the checkpoint.",
          e);
    } catch (IOException e) {
      throw new CheckpointException(
          "Tokenizer file " + path + " cannot be read: " + firstLine(e), e);
    }
  }

  /** Reads the same format from memory. */
  static TokenizerFile parse(Path origin, String json) {
    return begin(origin, json).finish();
  }

  /**
   * Reads the same format from memory, where the vocabulary and the merges may stand elsewhere and
   * follow by {@link #addToken} and {@link #addMerge}.
   */
  static TokenizerFileReader begin(Path origin, String json) {
    TokenizerFileReader reader = new TokenizerFileReader(origin);
    try {
      reader.readAll(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
      return reader;
    } catch (IOException e) {
      throw new CheckpointException(
          "Tokenizer file " + origin + " cannot be used: " + firstLine(e), e);
    }
  }

  private void readAll(InputStream in) throws IOException {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(32)
                    .maxDocumentLength(MAX_BYTES)
                    .maxStringLength(1 << 20)
                    .maxNameLength(1 << 16)
                    .build())
            // Every token of the vocabulary is a name; they are wanted once only.
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();
    try (JsonParser json = factory.createParser(in)) {
      readFile(json);
    }
  }

  /** Checks what belongs together, once all has been read. */
  TokenizerFile finish() {
    if (vocabulary.isEmpty()) {
      throw broken("has no vocabulary (model.vocab)");
    }
    checkMerges();
    checkAddedTokens();
    TokenizerComponents checker = new TokenizerComponents(path);
    return new TokenizerFile(
        path,
        vocabulary,
        List.copyOf(merges),
        List.copyOf(scores),
        List.copyOf(addedTokens),
        model(),
        checker.normalizer(components.get("normalizer")),
        checker.preTokenizer(components.get("pre_tokenizer")),
        checker.decoder(components.get("decoder")),
        components.get("post_processor"));
  }

  private void readFile(JsonParser json) throws IOException {
    expect(json.nextToken(), JsonToken.START_OBJECT, "the file", "an object");
    Set<String> seen = new HashSet<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      if (!seen.add(field)) {
        throw broken("field '" + field + "' occurs twice");
      }
      json.nextToken();
      switch (field) {
        case "added_tokens" -> readAddedTokens(json);
        case "model" -> readModel(json);
        case "normalizer", "pre_tokenizer", "decoder", "post_processor" ->
            components.put(field, tree(json));
        default -> json.skipChildren();
      }
    }
    if (json.nextToken() != null) {
      throw broken("has something after the closing brace");
    }
  }

  private static JsonNode tree(JsonParser json) throws IOException {
    return Objects.requireNonNull(JsonTree.read(json));
  }

  private void readAddedTokens(JsonParser json) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    expect(json.currentToken(), JsonToken.START_ARRAY, "added_tokens", "a list");
    while (json.nextToken() != JsonToken.END_ARRAY) {
      JsonNode token = tree(json);
      JsonNode content = token.path("content");
      if (!token.isObject() || !content.isTextual() || !token.path("id").canConvertToInt()) {
        throw broken(
            "added token " + addedTokens.size() + " needs an integer 'id' and a string 'content'");
      }
      if (addedTokens.size() == MAX_ADDED_TOKENS) {
        throw broken("has more than " + MAX_ADDED_TOKENS + " added tokens");
      }
      addedTokens.add(
          new AddedToken(
              token.path("id").intValue(),
              checkedToken(content.textValue()),
              token.path("special").asBoolean(false),
              token.path("single_word").asBoolean(false),
              token.path("lstrip").asBoolean(false),
              token.path("rstrip").asBoolean(false),
              token.path("normalized").asBoolean(false)));
    }
  }

  private void readModel(JsonParser json) throws IOException {
    expect(json.currentToken(), JsonToken.START_OBJECT, "model", "an object");
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "vocab" -> readVocabulary(json);
        case "merges" -> readMerges(json);
        default -> settings.put(field, tree(json));
      }
    }
  }

  private void readVocabulary(JsonParser json) throws IOException {
    if (json.currentToken() == JsonToken.START_ARRAY && vocabulary.isEmpty()) {
      readScores(json);
      return;
    }
    if (json.currentToken() != JsonToken.START_OBJECT || !vocabulary.isEmpty()) {
      throw broken("model.vocab must be one object of token and id, or list of token and score");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String token = json.currentName();
      if (json.nextToken() != JsonToken.VALUE_NUMBER_INT) {
        throw broken("the id of token '" + shown(token) + "' must be an integer");
      }
      addToken(token, json.getLongValue());
    }
  }

  /** Adds an entry of the vocabulary. */
  void addToken(String token, long id) {
    checkedToken(token);
    if (id < 0 || id >= MAX_ID) {
      throw broken("token '%s' has id %d, outside 0 to %d".formatted(shown(token), id, MAX_ID - 1));
    }
    if (ids.get((int) id)) {
      throw broken("id %d belongs to two tokens, the second is '%s'".formatted(id, shown(token)));
    }
    ids.set((int) id);
    if (vocabulary.put(token, (int) id) != null) {
      throw broken("token '" + shown(token) + "' occurs twice in model.vocab");
    }
  }

  /** The vocabulary of a unigram model, in which a token's place is its id. */
  private void readScores(JsonParser json) throws IOException {
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json.currentToken(), JsonToken.START_ARRAY, "an entry of model.vocab", "a list");
      expect(json.nextToken(), JsonToken.VALUE_STRING, "a token of model.vocab", "a string");
      String token = checkedToken(json.getText());
      JsonToken number = json.nextToken();
      boolean numeric =
          number == JsonToken.VALUE_NUMBER_INT || number == JsonToken.VALUE_NUMBER_FLOAT;
      double score = numeric ? json.getDoubleValue() : Double.NaN;
      if (token.isEmpty() || !Double.isFinite(score)) {
        throw broken("token '" + shown(token) + "' is empty or its score is no finite number");
      }
      expect(json.nextToken(), JsonToken.END_ARRAY, "an entry of model.vocab", "a pair");
      if (scores.size() == MAX_ID || vocabulary.put(token, scores.size()) != null) {
        throw broken(
            "token '%s' occurs twice in model.vocab, or is one too many".formatted(shown(token)));
      }
      ids.set(scores.size());
      scores.add(score);
    }
  }

  private void readMerges(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY || !merges.isEmpty()) {
      throw broken("model.merges must be one list");
    }
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() == JsonToken.VALUE_STRING) {
        addMerge(json.getText());
      } else {
        expect(json.currentToken(), JsonToken.START_ARRAY, "a merge", "two tokens");
        for (int i = 0; i < 2; i++) {
          expect(json.nextToken(), JsonToken.VALUE_STRING, "a merge", "two tokens");
          merges.add(json.getText());
        }
        expect(json.nextToken(), JsonToken.END_ARRAY, "a merge", "two tokens");
      }
    }
  }

  /** Adds two tokens with a space between as the next merge. */
  void addMerge(String pair) {
    int space = pair.indexOf(' ');
    if (space < 0 || pair.indexOf(' ', space + 1) >= 0) {
      throw broken("merge '" + shown(pair) + "' is not two tokens with a space between");
    }
    addMerge(pair.substring(0, space), pair.substring(space + 1));
  }

  /** Adds two tokens as the next merge. */
  void addMerge(String left, String right) {
    merges.add(left);
    merges.add(right);
  }

  /** The library checks that merged tokens exist; here the strings are only made to be shared. */
  private void checkMerges() {
    Map<String, String> shared = HashMap.newHashMap(vocabulary.size());
    vocabulary.keySet().forEach(token -> shared.put(token, token));
    for (int i = 0; i < merges.size(); i++) {
      String token = shared.get(merges.get(i));
      if (token == null) {
        throw broken(
            "merge %d names '%s', which is not in the vocabulary"
                .formatted(i / 2, shown(merges.get(i))));
      }
      merges.set(i, token);
    }
  }

  private void checkAddedTokens() {
    Set<String> contents = new HashSet<>();
    for (AddedToken token : addedTokens) {
      String content = token.content();
      if (content.isEmpty() || !contents.add(content)) {
        throw broken(
            "added token %d ('%s') is empty or occurs twice".formatted(token.id(), shown(content)));
      }
      if (token.id() < 0 || token.id() >= MAX_ID) {
        throw broken(
            "added token '%s' has id %d, outside 0 to %d"
                .formatted(shown(content), token.id(), MAX_ID - 1));
      }
      Integer inVocabulary = vocabulary.get(content);
      if (inVocabulary != null && inVocabulary != token.id()) {
        throw broken(
            "added token '%s' has id %d but the vocabulary says %d"
                .formatted(shown(content), token.id(), inVocabulary));
      }
      if (inVocabulary == null && ids.get(token.id())) {
        throw broken(
            "id %d of added token '%s' belongs to another token"
                .formatted(token.id(), shown(content)));
      }
      ids.set(token.id());
    }
  }

  private TokenizerFile.Model model() {
    String type = text("type");
    if (!(type == null ? "BPE" : type).equals(scores.isEmpty() ? "BPE" : "Unigram")) {
      throw broken(
          "model.type is '%s' for %s of tokens; only BPE with an object and Unigram with a list of"
                  .formatted(shown(String.valueOf(type)), scores.isEmpty() ? "an object" : "a list")
              + " them are supported");
    }
    JsonNode unknownId = settings.get("unk_id");
    if (!scores.isEmpty()
        && (unknownId == null
            || !unknownId.canConvertToInt()
            || unknownId.intValue() < 0
            || unknownId.intValue() >= scores.size())) {
      throw broken("model.unk_id must be the id of a token");
    }
    String prefix = text("continuing_subword_prefix");
    if (prefix != null && !prefix.isEmpty()) {
      throw broken("model.continuing_subword_prefix is not supported");
    }
    String unknown = text("unk_token");
    if (unknown != null && !vocabulary.containsKey(unknown)) {
      throw broken("model.unk_token '" + shown(unknown) + "' is not in the vocabulary");
    }
    return new TokenizerFile.Model(
        unknown,
        scores.isEmpty() || unknownId == null ? -1 : unknownId.intValue(),
        text("end_of_word_suffix"),
        flag("fuse_unk"),
        flag("byte_fallback"),
        flag("ignore_merges"));
  }

  private @Nullable String text(String setting) {
    JsonNode node = settings.get(setting);
    if (node == null || node.isNull()) {
      return null;
    }
    if (!node.isTextual() || node.textValue().length() > MAX_TOKEN_CHARS) {
      throw broken("model." + setting + " must be a short string");
    }
    return node.textValue();
  }

  private boolean flag(String setting) {
    JsonNode node = settings.get(setting);
    return node != null && node.asBoolean(false);
  }

  private String checkedToken(String token) {
    if (token.length() > MAX_TOKEN_CHARS) {
      throw broken("a token has " + token.length() + " characters, more than " + MAX_TOKEN_CHARS);
    }
    for (int i = 0; i < token.length(); i++) {
      if (Character.isSurrogate(token.charAt(i))) {
        if (i + 1 == token.length()
            || !Character.isSurrogatePair(token.charAt(i), token.charAt(i + 1))) {
          throw broken("token '" + shown(token) + "' has half a surrogate pair");
        }
        i++;
      }
    }
    return token;
  }

  private void expect(@Nullable JsonToken found, JsonToken expected, String what, String form) {
    if (found != expected) {
      throw broken(what + " must be " + form);
    }
  }

  /** Cut, and with control characters escaped, since they could rewrite the user's terminal. */
  private static String shown(String token) {
    StringBuilder out = new StringBuilder();
    token
        .codePoints()
        .limit(MAX_SHOWN)
        .forEach(c -> {
          if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
            out.append("\\u%04x".formatted(c));
          } else {
            out.appendCodePoint(c);
          }
        });
    return token.codePointCount(0, token.length()) > MAX_SHOWN ? out + "…" : out.toString();
  }

  private CheckpointException broken(String problem) {
    return new CheckpointException("Tokenizer file " + path + ": " + problem + ".");
  }

  /** Jackson adds lines about where it was, which say little more. */
  private static String firstLine(IOException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }
}
