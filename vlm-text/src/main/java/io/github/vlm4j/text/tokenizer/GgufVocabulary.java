package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.core.checkpoint.GgufValue.RealType;
import io.github.vlm4j.core.checkpoint.GgufValue.WholeType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The metadata that says in a GGUF file what a {@code tokenizer.json} says in a folder; {@link
 * GgufTokenizer} turns it back. Reference: llama.cpp, {@code conversion/base.py}, {@code
 * gguf-py/gguf/vocab.py}.
 */
public final class GgufVocabulary {

  private static final String PREFIX = "tokenizer.ggml.";
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE_TYPE = 6;

  private final TokenizerFile file;
  private final TokenizerConfig config;
  private final String[] tokens;
  private final long[] types;

  private GgufVocabulary(TokenizerFile file, TokenizerConfig config, int size) {
    this.file = file;
    this.config = config;
    this.tokens = new String[size];
    this.types = new long[size];
  }

  /**
   * Returns the metadata.
   *
   * @param folder holds {@code tokenizer.json} and what {@link TokenizerConfig} reads
   * @param size how many tokens the model has embeddings for
   * @param end the token that ends a text where the tokenizer's configuration names none
   * @throws CheckpointException if a file is malformed, or llama.cpp has no such tokenizer
   */
  public static SequencedMap<String, GgufValue> of(Path folder, int size, Optional<Integer> end) {
    TokenizerFile file = TokenizerFileReader.read(folder.resolve("tokenizer.json"));
    return new GgufVocabulary(file, TokenizerConfig.load(folder), size).metadata(end);
  }

  private SequencedMap<String, GgufValue> metadata(Optional<Integer> end) {
    boolean bytes = file.preTokenizer() != null && file.preTokenizer().toString().contains("Byte");
    boolean pieces = file.model().byteFallback() && !bytes;
    if (!file.scores().isEmpty() || bytes == pieces) {
      throw file.broken(
          "it is neither a byte-pair encoding of bytes nor one of characters with bytes to fall"
              + " back on, the kinds that are written to GGUF files.");
    }
    fill(pieces);
    SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>();
    put(metadata, "model", new GgufValue.Text(pieces ? "llama" : "gpt2"));
    put(metadata, "pre", new GgufValue.Text(pieces ? "default" : words()));
    put(metadata, "tokens", new GgufValue.Texts(Arrays.asList(tokens)));
    if (pieces) {
      put(metadata, "scores", new GgufValue.Reals(RealType.FLOAT32, scores()));
    }
    put(metadata, "token_type", new GgufValue.Wholes(WholeType.INT32, types));
    if (!pieces) {
      put(metadata, "merges", new GgufValue.Texts(merges()));
    }
    putSpecial(metadata, end);
    if (pieces) {
      put(metadata, "add_space_prefix", new GgufValue.Flag(beginsWithBlank()));
    }
    config
        .chatTemplate()
        .ifPresent(template ->
            metadata.put("tokenizer.chat_template", new GgufValue.Text(template.source())));
    return metadata;
  }

  private static void put(Map<String, GgufValue> metadata, String key, GgufValue value) {
    metadata.put(PREFIX + key, value);
  }

  private void fill(boolean pieces) {
    for (int id = 0; id < tokens.length; id++) {
      tokens[id] = "[PAD" + id + "]";
      types[id] = UNUSED;
    }
    file.vocabulary()
        .forEach((token, id) -> {
          boolean unknown = token.equals(file.model().unknownToken());
          boolean isByte = pieces && BYTE.matcher(token).matches();
          set(id, token, unknown ? UNKNOWN : isByte ? BYTE_TYPE : NORMAL);
        });
    for (AddedToken token : file.addedTokens()) {
      set(token.id(), token.content(), token.special() ? CONTROL : USER_DEFINED);
    }
  }

  private void set(int id, String token, int type) {
    if (id >= tokens.length) {
      throw file.broken(
          "it has the id %d, but the model has embeddings for %d tokens."
              .formatted(id, tokens.length));
    }
    tokens[id] = token;
    types[id] = type;
  }

  /** What llama.cpp calls the expression that finds words. */
  private String words() {
    @Nullable JsonNode split = null;
    JsonNode all = file.preTokenizer();
    if (all != null) {
      for (JsonNode part : all.path("pretokenizers")) {
        split = part.has("pattern") ? part : split;
      }
    }
    String regex = split == null ? "" : split.path("pattern").path("Regex").asText("");
    if (regex.equals(TokenizerComponents.QWEN)) {
      return "qwen2";
    }
    if (regex.equals(TokenizerComponents.LLAMA3)) {
      return "llama-bpe";
    }
    if (regex.equals(TokenizerComponents.TEKKEN)) {
      return "tekken";
    }
    if (split == null || regex.equals(TokenizerComponents.GPT2)) {
      return "gpt-2";
    }
    throw file.broken("its words are found in a way that llama.cpp has no name for.");
  }

  /** In SentencePiece's files the score of a token is minus its place among the merges. */
  private double[] scores() {
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < file.merges().size(); i += 2) {
      places.putIfAbsent(file.merges().get(i) + file.merges().get(i + 1), i / 2);
    }
    int last = file.merges().size();
    return IntStream.range(0, tokens.length)
        .mapToDouble(id -> -places.getOrDefault(tokens[id], last))
        .toArray();
  }

  private List<String> merges() {
    return IntStream.range(0, file.merges().size() / 2)
        .mapToObj(i -> file.merges().get(2 * i) + " " + file.merges().get(2 * i + 1))
        .toList();
  }

  private void putSpecial(Map<String, GgufValue> metadata, Optional<Integer> end) {
    putToken(metadata, "bos", "bos_token");
    putToken(metadata, "eos", "eos_token");
    if (!metadata.containsKey(PREFIX + "eos_token_id")) {
      end.ifPresent(id -> put(metadata, "eos_token_id", GgufValue.uint32(id)));
    }
    putToken(metadata, "unknown", "unk_token");
    putToken(metadata, "padding", "pad_token");
    TextFrame frame = TextFrame.of(file).orElse(TextFrame.NONE);
    put(metadata, "add_bos_token", new GgufValue.Flag(!frame.before().isEmpty()));
    put(metadata, "add_eos_token", new GgufValue.Flag(!frame.after().isEmpty()));
  }

  private void putToken(Map<String, GgufValue> metadata, String role, String field) {
    int id = Arrays.asList(tokens).indexOf(config.specialTokens().get(field));
    if (id >= 0) {
      put(metadata, role + "_token_id", GgufValue.uint32(id));
    }
  }

  private boolean beginsWithBlank() {
    JsonNode normalizer = file.normalizer();
    return normalizer != null && normalizer.toString().contains("Prepend");
  }
}
