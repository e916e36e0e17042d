package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The vocabulary of Qwen's first generation, {@code qwen.tiktoken}: on each line a token's bytes in
 * base64 and its rank, which is its id. After the last rank come the special tokens.
 *
 * <p>Tiktoken joins, again and again, the two neighbours whose bytes together have the lowest rank;
 * Hugging Face's library has a list of the pairs that may be joined. A token's own bytes, joined by
 * the first rule, end in the one pair from which it can arise in any text, so that one entry for
 * each token says the same. Tokens that are never joined stand only for a whole word. Reference:
 * {@code tokenization_qwen.py} of Qwen-7B-Chat.
 */
final class TiktokenFile {

  /** The file's name in a model folder. */
  static final String NAME = "qwen.tiktoken";

  private static final int MAX_BYTES = 16 << 20;

  /** Twice the longest token there is, a run of blanks. */
  private static final int MAX_TOKEN_BYTES = 256;

  private static final int EXTRA_TOKENS = 205;

  private final Path path;
  private final Map<String, Integer> ranks;

  private TiktokenFile(Path path, Map<String, Integer> ranks) {
    this.path = path;
    this.ranks = ranks;
  }

  /**
   * Reads and validates a file.
   *
   * @throws CheckpointException if it cannot be read or is malformed
   */
  static TokenizerFile read(Path path) {
    return new TiktokenFile(path, ranks(path)).tokenizer();
  }

  private static Map<String, Integer> ranks(Path path) {
    Map<String, Integer> known = new HashMap<>();
    int number = 0;
    for (String line : text(path).lines().toList()) {
      number++;
      if (line.isBlank()) {
        continue;
      }
      String[] words = line.strip().split("[ \t]+", -1);
      String token = words.length == 2 ? token(words[0]) : null;
      int rank = token == null ? -1 : rank(words[1]);
      if (token == null || rank < 0) {
        throw broken(
            path,
            "line %d must hold a token of 1 to %d bytes in base64 and its rank"
                .formatted(number, MAX_TOKEN_BYTES));
      }
      if (known.put(token, rank) != null) {
        throw broken(path, "line %d holds a token that an earlier line holds".formatted(number));
      }
    }
    String[] tokens = new String[known.size()];
    for (Map.Entry<String, Integer> entry : known.entrySet()) {
      int rank = entry.getValue();
      if (rank >= tokens.length || tokens[rank] != null) {
        throw broken(
            path,
            "the ranks of its %d tokens must be 0 to %d, but one is %d%s"
                .formatted(
                    tokens.length, tokens.length - 1, rank, rank < tokens.length ? " twice" : ""));
      }
      tokens[rank] = entry.getKey();
    }
    Map<String, Integer> ranks = LinkedHashMap.newLinkedHashMap(tokens.length);
    for (String token : tokens) {
      ranks.put(token, ranks.size());
    }
    for (int b = 0; b < 256; b++) {
      if (!ranks.containsKey(String.valueOf(ByteAlphabet.of((byte) b)))) {
        throw broken(path, "there is no token for the byte %d".formatted(b));
      }
    }
    return ranks;
  }

  private static String text(Path path) {
    if (!Files.isRegularFile(path)) {
      throw broken(path, "it is not a regular file");
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw broken(path, "it has more than %,d bytes".formatted(MAX_BYTES));
      }
      return new String(bytes, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new CheckpointException(
          "Tokenizer file %s cannot be read (%s); copy the file again."
              .formatted(path, e.getMessage()),
          e);
    }
  }

  private static @Nullable String token(String base64) {
    try {
      byte[] bytes = Base64.getDecoder().decode(base64);
      return bytes.length == 0 || bytes.length > MAX_TOKEN_BYTES ? null : ByteAlphabet.of(bytes);
    } catch (IllegalArgumentException notBase64) {
      return null;
    }
  }

  private static int rank(String digits) {
    boolean number = !digits.isEmpty() && digits.length() <= 9;
    for (int i = 0; i < digits.length(); i++) {
      number &= digits.charAt(i) >= '0' && digits.charAt(i) <= '9';
    }
    return number ? Integer.parseInt(digits) : -1;
  }

  private TokenizerFile tokenizer() {
    return new TokenizerFile(
        path,
        ranks,
        merges(),
        List.of(),
        specialTokens(),
        new TokenizerFile.Model(null, -1, null, false, false, true),
        created("NFC"),
        preTokenizer(),
        byteLevel(),
        null);
  }

  private List<AddedToken> specialTokens() {
    List<AddedToken> tokens = new ArrayList<>();
    Stream.concat(
            Stream.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
            Stream.iterate(0, i -> i + 1).limit(EXTRA_TOKENS).map(i -> "<|extra_" + i + "|>"))
        .forEach(content ->
            tokens.add(
                new AddedToken(
                    ranks.size() + tokens.size(), content, true, false, false, false, false)));
    return tokens;
  }

  private static JsonNode preTokenizer() {
    ObjectNode words = created("Split");
    words.putObject("pattern").put("Regex", TokenizerComponents.QWEN);
    words.put("behavior", "Isolated").put("invert", false);
    ObjectNode sequence = created("Sequence");
    sequence.putArray("pretokenizers").add(words).add(byteLevel());
    return sequence;
  }

  private static ObjectNode byteLevel() {
    return created("ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", false)
        .put("use_regex", false);
  }

  private static ObjectNode created(String type) {
    return JsonNodeFactory.instance.objectNode().put("type", type);
  }

  private List<String> merges() {
    List<String> merges = new ArrayList<>();
    for (String token : ranks.keySet()) {
      int middle = token.length() < 2 ? -1 : lastJoint(token);
      if (middle > 0) {
        merges.add(token.substring(0, middle));
        merges.add(token.substring(middle));
      }
    }
    return merges;
  }

  /** Returns where the last two parts of a token meet, or -1 if its bytes are not all joined. */
  private int lastJoint(String token) {
    int parts = token.length();
    int[] starts = new int[parts + 1];
    int[] pairs = new int[parts];
    for (int i = 0; i <= parts; i++) {
      starts[i] = i;
    }
    for (int i = 0; i + 1 < parts; i++) {
      pairs[i] = rankOfPair(token, starts, parts, i);
    }
    while (parts > 2) {
      int lowest = 0;
      for (int i = 1; i + 1 < parts; i++) {
        lowest = pairs[i] < pairs[lowest] ? i : lowest;
      }
      if (pairs[lowest] == Integer.MAX_VALUE) {
        return -1;
      }
      System.arraycopy(starts, lowest + 2, starts, lowest + 1, parts - lowest - 1);
      System.arraycopy(pairs, lowest + 1, pairs, lowest, parts - lowest - 1);
      parts--;
      pairs[lowest] = rankOfPair(token, starts, parts, lowest);
      if (lowest > 0) {
        pairs[lowest - 1] = rankOfPair(token, starts, parts, lowest - 1);
      }
    }
    return starts[1];
  }

  private int rankOfPair(String token, int[] starts, int parts, int first) {
    return first + 2 > parts
        ? Integer.MAX_VALUE
        : ranks.getOrDefault(token.substring(starts[first], starts[first + 2]), Integer.MAX_VALUE);
  }

  private static CheckpointException broken(Path path, String problem) {
    return new CheckpointException(
        "Tokenizer file %s: %s; copy the file again.".formatted(path, problem));
  }
}
