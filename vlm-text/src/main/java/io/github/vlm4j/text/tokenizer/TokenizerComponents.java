package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Rebuilds the normalizer, pre-tokenizer and decoder of a {@code tokenizer.json} from known parts.
 *
 * <p>A panic in the native library ends the process, and a regular expression that backtracks too
 * long is such a panic; therefore only known component types with harmless parameters pass, and
 * only the regular expressions of published tokenizers, which match any text in linear time.
 */
final class TokenizerComponents {

  private static final int MAX_PARTS = 16;
  private static final int MAX_TEXT = 16;
  private static final int MAX_SET = 256;

  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String PUNCTUATION_AND_SPACE =
      "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String BEFORE_WORD = "[^\\r\\n\\p{L}\\p{N}]?";

  /** Qwen 1, 2, 2.5, 3 and their vision models. */
  static final String QWEN =
      CONTRACTIONS + "|" + BEFORE_WORD + "\\p{L}+|\\p{N}" + PUNCTUATION_AND_SPACE;

  /** Llama 3 and GPT-4. */
  static final String LLAMA3 =
      CONTRACTIONS + "|" + BEFORE_WORD + "\\p{L}+|\\p{N}{1,3}" + PUNCTUATION_AND_SPACE;

  /** Mistral Nemo and its successors. */
  static final String TEKKEN =
      BEFORE_WORD
          + UPPER
          + "*"
          + LOWER
          + "+|"
          + BEFORE_WORD
          + UPPER
          + "+"
          + LOWER
          + "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private static final String CLIP =
      "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

  /**
   * One set of plain or escaped ASCII characters, as of the punctuation that SigLIP removes. It
   * matches one character, so that it cannot backtrack.
   */
  private static final Pattern CHARACTER_SET =
      Pattern.compile("\\[(?:[ !\"#$%'()*+,./0-9:;<=>?@A-Z_`a-z{|}~]|\\\\[!-/:-@\\[-`{-~])+\\]");

  private static final Set<String> KNOWN_PATTERNS =
      Set.of(
          QWEN,
          // Qwen 3.5: marks belong to words.
          CONTRACTIONS
              + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
              + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
          LLAMA3,
          TEKKEN,
          GPT2,
          // CLIP, as published, as transformers 5 writes it, and as open_clip runs it, whose
          // letters match whatever their case.
          CLIP,
          "<\\|startoftext\\|>|<\\|endoftext\\|>|" + CLIP,
          CLIP.replace("'s", "'[s\u017f]"),
          // SentencePiece.
          " {2,}",
          "\\s+");

  private final Path path;

  TokenizerComponents(Path path) {
    this.path = path;
  }

  @Nullable JsonNode normalizer(@Nullable JsonNode node) {
    return component("normalizer", node, "normalizers", this::normalizerPart);
  }

  @Nullable JsonNode preTokenizer(@Nullable JsonNode node) {
    return component("pre_tokenizer", node, "pretokenizers", this::preTokenizerPart);
  }

  @Nullable JsonNode decoder(@Nullable JsonNode node) {
    return component("decoder", node, "decoders", this::decoderPart);
  }

  private @Nullable JsonNode component(
      String field, @Nullable JsonNode node, String partsField, UnaryOperator<JsonNode> part) {
    if (node == null || node.isNull()) {
      return null;
    }
    if (!type(node).equals("Sequence")) {
      return part.apply(node);
    }
    JsonNode parts = node.path(partsField);
    if (!parts.isArray() || parts.size() > MAX_PARTS) {
      throw broken(field + " must be a sequence of at most " + MAX_PARTS + " parts");
    }
    ObjectNode sequence = created("Sequence");
    var copies = sequence.putArray(partsField);
    for (JsonNode each : parts) {
      copies.add(part.apply(each));
    }
    return sequence;
  }

  private JsonNode normalizerPart(JsonNode node) {
    String type = type(node);
    ObjectNode copy = created(type);
    switch (type) {
      case "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents" -> {}
      case "Strip" -> copyFlags(node, copy, true, "strip_left", "strip_right");
      case "Prepend" -> copy.put("prepend", text(node, "prepend", false));
      case "Replace" -> copyReplacement(node, copy);
      case "Precompiled" -> copy.put("precompiled_charsmap", charsMap(node));
      default -> throw unsupported("normalizer", type);
    }
    return copy;
  }

  private String charsMap(JsonNode node) {
    JsonNode value = node.path("precompiled_charsmap");
    byte[] compiled;
    try {
      compiled = Base64.getDecoder().decode(value.isTextual() ? value.textValue() : "");
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          "Tokenizer file " + path + ": precompiled_charsmap is not base64.", e);
    }
    PrecompiledCharsMap.problem(compiled)
        .ifPresent(problem -> {
          throw broken("precompiled_charsmap " + problem);
        });
    return value.textValue();
  }

  private JsonNode preTokenizerPart(JsonNode node) {
    String type = type(node);
    ObjectNode copy = created(type);
    switch (type) {
      case "ByteLevel" ->
          copyFlags(node, copy, true, "add_prefix_space", "trim_offsets", "use_regex");
      case "Split" -> {
        copy.set("pattern", pattern(node));
        copy.put(
            "behavior",
            choice(
                node,
                "behavior",
                "Removed",
                "Isolated",
                "MergedWithPrevious",
                "MergedWithNext",
                "Contiguous"));
        copyFlags(node, copy, false, "invert");
      }
      case "Digits" -> copyFlags(node, copy, false, "individual_digits");
      case "Punctuation" ->
          copy.put(
              "behavior",
              choice(
                  node,
                  "behavior",
                  "Isolated",
                  "Removed",
                  "MergedWithPrevious",
                  "MergedWithNext",
                  "Contiguous"));
      case "Whitespace", "WhitespaceSplit" -> {}
      case "Metaspace" -> copyMetaspace(node, copy);
      default -> throw unsupported("pre_tokenizer", type);
    }
    return copy;
  }

  private JsonNode decoderPart(JsonNode node) {
    String type = type(node);
    ObjectNode copy = created(type);
    switch (type) {
      case "ByteLevel" ->
          copyFlags(node, copy, true, "add_prefix_space", "trim_offsets", "use_regex");
      case "ByteFallback", "Fuse" -> {}
      case "Replace" -> copyReplacement(node, copy);
      case "Metaspace" -> copyMetaspace(node, copy);
      case "BPEDecoder" -> copy.put("suffix", text(node, "suffix", true));
      case "Strip" -> {
        // Removing from the end is where the native library can index out of bounds.
        int start = node.path("start").asInt(0);
        if (node.path("stop").asInt(0) != 0 || start < 0 || start > MAX_TEXT) {
          throw broken(
              "a Strip decoder may only remove up to " + MAX_TEXT + " characters from the start");
        }
        String content = text(node, "content", false);
        if (content.codePointCount(0, content.length()) != 1) {
          throw broken("a Strip decoder needs a single character");
        }
        copy.put("content", content).put("start", start).put("stop", 0);
      }
      default -> throw unsupported("decoder", type);
    }
    return copy;
  }

  private void copyReplacement(JsonNode node, ObjectNode copy) {
    copy.set("pattern", pattern(node));
    copy.put("content", text(node, "content", true));
  }

  private void copyMetaspace(JsonNode node, ObjectNode copy) {
    String replacement = text(node, "replacement", false);
    if (replacement.codePointCount(0, replacement.length()) != 1) {
      throw broken("Metaspace needs a single replacement character");
    }
    boolean prefix = node.path("add_prefix_space").asBoolean(true);
    String scheme =
        node.has("prepend_scheme")
            ? choice(node, "prepend_scheme", "always", "first", "never")
            : prefix ? "always" : "never";
    copy.put("replacement", replacement).put("prepend_scheme", scheme);
    copyFlags(node, copy, true, "split");
  }

  private JsonNode pattern(JsonNode node) {
    JsonNode pattern = node.path("pattern");
    ObjectNode copy = JsonNodeFactory.instance.objectNode();
    if (pattern.has("String")) {
      return copy.put("String", text(pattern, "String", false));
    }
    String regex = pattern.path("Regex").asText("");
    if (!KNOWN_PATTERNS.contains(regex)
        && (regex.length() > MAX_SET || !CHARACTER_SET.matcher(regex).matches())) {
      throw broken(
          "uses the regular expression '%s', which is none of those known to be safe"
              .formatted(regex.length() > 200 ? regex.substring(0, 200) + "…" : regex));
    }
    return copy.put("Regex", regex);
  }

  private static void copyFlags(
      JsonNode node, ObjectNode copy, boolean fallback, String... fields) {
    for (String field : fields) {
      copy.put(field, node.path(field).asBoolean(fallback));
    }
  }

  private String choice(JsonNode node, String field, String... allowed) {
    String value = node.path(field).asText(allowed[0]);
    if (!Set.of(allowed).contains(value)) {
      throw broken(field + " must be one of " + String.join(", ", allowed));
    }
    return value;
  }

  private String text(JsonNode node, String field, boolean emptyAllowed) {
    JsonNode value = node.path(field);
    String text = value.asText("");
    if (!value.isTextual() || text.length() > MAX_TEXT || (text.isEmpty() && !emptyAllowed)) {
      throw broken(field + " must be a string of at most " + MAX_TEXT + " characters");
    }
    if (text.codePoints()
        .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      throw broken(field + " has half a surrogate pair");
    }
    return text;
  }

  private String type(JsonNode node) {
    return node.path("type").asText("");
  }

  private static ObjectNode created(String type) {
    return JsonNodeFactory.instance.objectNode().put("type", type);
  }

  private CheckpointException unsupported(String field, String type) {
    return broken(
        field
            + " of type '"
            + (type.length() > 40 ? type.substring(0, 40) : type)
            + "' is not supported");
  }

  private CheckpointException broken(String problem) {
    return new CheckpointException("Tokenizer file " + path + ": " + problem + ".");
  }
}
