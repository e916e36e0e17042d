package io.github.vlm4j.text.contrastive;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The special tokens that a Hugging Face folder names in {@code tokenizer_config.json} and, if that
 * does not list its added tokens, {@code special_tokens_map.json}, in the reference's order of
 * precedence.
 *
 * @param begin put before a text by CLIP
 * @param end put after a text
 * @param unknown for what is not in the vocabulary
 * @param padding fills a text up
 * @param others further tokens that the configuration lists as added
 */
record SpecialTokens(Token begin, Token end, Token unknown, Token padding, List<Token> others) {

  private static final String CONFIG = "tokenizer_config.json";
  private static final String MAP = "special_tokens_map.json";

  /**
   * A token that is looked for in a text.
   *
   * @param content its spelling
   * @param leftStrip whether blanks before it belong to it
   * @param rightStrip whether blanks after it belong to it
   * @param normalized whether it is looked for after normalisation
   */
  record Token(String content, boolean leftStrip, boolean rightStrip, boolean normalized) {

    static Token of(String content) {
      return new Token(content, false, false, false);
    }

    private static Token of(ConfigNode node) {
      return new Token(
          node.string("content"),
          node.booleanOr("lstrip", false),
          node.booleanOr("rstrip", false),
          node.booleanOr("normalized", false));
    }
  }

  /** The folder's {@code tokenizer_config.json}, or an empty object if there is none. */
  static ConfigNode config(Path folder) {
    Path config = folder.resolve(CONFIG);
    return Files.exists(config) ? ConfigNode.read(config) : ConfigNode.parse(CONFIG, "{}");
  }

  /**
   * Reads a folder's tokens.
   *
   * @param otherwise the spellings of begin, end, unknown and padding in the tokenizer's class
   */
  static SpecialTokens read(Path folder, ConfigNode config, SpecialTokens otherwise) {
    Map<String, Token> listed = new LinkedHashMap<>();
    @Nullable ConfigNode map = null;
    if (config.has("added_tokens_decoder")) {
      ConfigNode decoder = config.object("added_tokens_decoder");
      for (String id : decoder.fields()) {
        Token token = Token.of(decoder.object(id));
        listed.put(token.content(), token);
      }
    } else if (Files.exists(folder.resolve(MAP))) {
      map = ConfigNode.read(folder.resolve(MAP));
    }
    return new SpecialTokens(
        token("bos_token", map, config, listed, otherwise.begin),
        token("eos_token", map, config, listed, otherwise.end),
        token("unk_token", map, config, listed, otherwise.unknown),
        token("pad_token", map, config, listed, otherwise.padding),
        List.copyOf(listed.values()));
  }

  static SpecialTokens of(String begin, String end, String unknown, String padding) {
    return new SpecialTokens(
        Token.of(begin), Token.of(end), Token.of(unknown), Token.of(padding), List.of());
  }

  /** Every token once. */
  List<Token> distinct() {
    Map<String, Token> tokens = new LinkedHashMap<>();
    List<Token> all = new ArrayList<>(List.of(begin, end, unknown, padding));
    all.addAll(others);
    all.forEach(token -> tokens.putIfAbsent(token.content(), token));
    return List.copyOf(tokens.values());
  }

  private static Token token(
      String field,
      @Nullable ConfigNode map,
      ConfigNode config,
      Map<String, Token> listed,
      Token otherwise) {
    ConfigNode node = map != null && map.has(field) ? map : config;
    if (!node.has(field)) {
      return otherwise;
    }
    Token token =
        node.isObject(field) ? Token.of(node.object(field)) : Token.of(node.string(field));
    return listed.getOrDefault(token.content(), token);
  }
}
