package io.github.vlm4j.text.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.GgufMetadata;
import io.github.vlm4j.core.checkpoint.JsonTree;
import io.github.vlm4j.core.checkpoint.Utf8Texts;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The tokenizer that a GGUF file's metadata describes, as the {@code tokenizer.json} and {@code
 * tokenizer_config.json} that say the same: byte-pair encoding over bytes ({@code gpt2}) and
 * SentencePiece's over characters with bytes to fall back on ({@code llama}). Reference: llama.cpp,
 * {@code src/llama-vocab.cpp}.
 */
public final class GgufTokenizer {

  private static final String PREFIX = "tokenizer.ggml.";
  private static final String MODEL = PREFIX + "model";
  private static final String BYTE_LEVEL = "gpt2";
  private static final String PRE = PREFIX + "pre";
  private static final String TOKENS = PREFIX + "tokens";
  private static final String TYPES = PREFIX + "token_type";
  private static final String TEMPLATE = "tokenizer.chat_template";

  /** SentencePiece's mark for a blank. */
  private static final String BLANK = "\u2581";

  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;

  /** Tokens that end an answer wherever they are, beside those that the metadata names. */
  private static final Set<String> ENDS =
      Set.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|eom_id|>",
          "<|end_of_text|>",
          "<end_of_utterance>");

  private final GgufMetadata metadata;
  private final Utf8Texts tokens;
  private final int[] types;

  /**
   * Takes what the metadata says of the vocabulary.
   *
   * @throws CheckpointException if it says nothing, or contradicts itself
   */
  public GgufTokenizer(GgufMetadata metadata) {
    this.metadata = metadata;
    this.tokens = metadata.texts(TOKENS);
    this.types = metadata.has(TYPES) ? metadata.ints(TYPES) : new int[tokens.size()];
    if (types.length != tokens.size()) {
      throw metadata.invalid(TYPES, "as many as there are " + TOKENS + ", " + tokens.size());
    }
  }

  /** Returns the spelling of the chat template, if there is one. */
  public static Optional<String> chatTemplate(GgufMetadata metadata) {
    return metadata.textIfPresent(TEMPLATE);
  }

  /** Returns the id of a token by its spelling. */
  public Optional<Integer> idOf(String token) {
    int id = tokens.indexOf(token);
    return id < 0 ? Optional.empty() : Optional.of(id);
  }

  /** Returns the ids of the tokens that end an answer. */
  public List<Integer> ends() {
    List<Integer> ends = new ArrayList<>();
    for (String role : List.of("eos", "eot", "eom")) {
      special(role).ifPresent(ends::add);
    }
    for (int id = 0; id < tokens.size(); id++) {
      if (types[id] == CONTROL && ENDS.contains(tokens.get(id))) {
        ends.add(id);
      }
    }
    return ends.stream().distinct().toList();
  }

  /** Returns the id of the token that plays a role, such as {@code bos}, if there is one. */
  private Optional<Integer> special(String role) {
    String key = PREFIX + role + "_token_id";
    Optional<Integer> id = metadata.countIfPresent(key);
    if (id.isPresent() && id.get() >= tokens.size()) {
      throw metadata.invalid(key, "below the number of tokens, " + tokens.size());
    }
    return id;
  }

  /** Returns the text of the {@code tokenizer_config.json}, without the chat template. */
  public String configJson() {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    Map<String, String> roles =
        Map.of(
            "bos", "bos_token", "eos", "eos_token", "unknown", "unk_token", "padding", "pad_token");
    roles.forEach(
        (role, field) -> special(role).ifPresent(id -> config.put(field, tokens.get(id))));
    return JsonTree.text(config);
  }

  /**
   * Returns the tokenizer.
   *
   * @param path what messages are to call it
   * @throws CheckpointException if it is malformed, or of a kind that is not supported
   */
  Tokenizer tokenizer(Path path) {
    return isByteLevel() && types.length >= GradualTokenizer.LEAST_TOKENS
        ? new GradualTokenizer(this, path)
        : HuggingFaceTokenizer.of(file(path));
  }

  /** Returns whether the tokens are sequences of bytes. */
  private boolean isByteLevel() {
    return metadata.text(MODEL).equals(BYTE_LEVEL);
  }

  /** Returns whether texts are normalised before they are cut into words. */
  boolean normalises() {
    return words().equals("qwen2");
  }

  /** Returns how many tokens there are. */
  int size() {
    return types.length;
  }

  /** Returns the spelling of a token, or nothing if there is none of that id. */
  Optional<String> token(int id) {
    return id >= 0 && id < types.length && types[id] != UNUSED
        ? Optional.of(tokens.get(id))
        : Optional.empty();
  }

  /** Returns whether a token controls the model and is no text. */
  boolean isControl(int id) {
    return id >= 0 && id < types.length && types[id] == CONTROL;
  }

  /**
   * Returns what the {@code tokenizer.json} would hold. Vocabulary and merges, which are nearly all
   * of it, never become JSON.
   *
   * @param path what messages are to call it
   * @throws CheckpointException if the tokenizer is malformed, or of a kind that is not supported
   */
  TokenizerFile file(Path path) {
    BitSet all = new BitSet();
    all.set(0, types.length);
    TokenizerFileReader reader = begin(path, all);
    if (isByteLevel()) {
      merges().forEach(reader::addMerge);
    } else {
      addMergesByScore(reader);
    }
    return reader.finish();
  }

  /**
   * Returns as much of the file as it takes to encode a text as the whole would, if tokens are
   * sequences of bytes: those tokens that occur in it.
   *
   * @param text no longer than a few thousand bytes, as every token is looked for in it
   */
  TokenizerFile fileFor(Path path, String text) {
    ByteSequences sequences =
        new ByteSequences(ByteAlphabet.of(text.getBytes(StandardCharsets.UTF_8)));
    BitSet ids = always();
    for (int id : tokens.where(sequences::contain)) {
      ids.set(id);
    }
    TokenizerFileReader reader = begin(path, ids);
    Utf8Texts merges = merges();
    for (int merge : merges.where(sequences::containPair)) {
      reader.addMerge(merges.get(merge));
    }
    return reader.finish();
  }

  /** Returns as much of the file as says what is put around a text. */
  TokenizerFile frameFile(Path path) {
    return begin(path, always()).finish();
  }

  /**
   * Returns the ids that have a meaning of their own, whatever the text, and one at least, as no
   * vocabulary is empty.
   */
  private BitSet always() {
    BitSet ids = new BitSet();
    IntStream.range(0, types.length).filter(id -> types[id] != UNUSED).limit(1).forEach(ids::set);
    for (int id = 0; id < types.length; id++) {
      if (isAdded(id)) {
        ids.set(id);
      }
    }
    for (String role : List.of("bos", "eos")) {
      special(role).ifPresent(ids::set);
    }
    return ids;
  }

  private TokenizerFileReader begin(Path path, BitSet ids) {
    ObjectNode file = JsonNodeFactory.instance.objectNode();
    file.set("added_tokens", addedTokens(ids));
    switch (metadata.text(MODEL)) {
      case BYTE_LEVEL -> putByteLevel(file);
      case "llama" -> putSentencePiece(file);
      default ->
          throw metadata.invalid(MODEL, "\"gpt2\" or \"llama\", the kinds that are supported");
    }
    TokenizerFileReader reader = TokenizerFileReader.begin(path, JsonTree.text(file));
    ids.stream()
        .filter(id -> types[id] != UNUSED)
        .forEach(id -> reader.addToken(tokens.get(id), id));
    return reader;
  }

  private Utf8Texts merges() {
    return metadata.texts(PREFIX + "merges");
  }

  private boolean isAdded(int id) {
    return types[id] == CONTROL || types[id] == USER_DEFINED;
  }

  private ArrayNode addedTokens(BitSet ids) {
    ArrayNode added = JsonNodeFactory.instance.arrayNode();
    ids.stream()
        .filter(this::isAdded)
        .forEach(id ->
            added
                .addObject()
                .put("id", id)
                .put("content", tokens.get(id))
                .put("special", types[id] == CONTROL)
                .put("normalized", false));
    return added;
  }

  /** Returns the name of the way to find words. */
  private String words() {
    return metadata.textIfPresent(PRE).orElse("default");
  }

  private void putByteLevel(ObjectNode file) {
    String pre = words();
    String words =
        switch (pre) {
          case "qwen2" -> TokenizerComponents.QWEN;
          case "llama-bpe", "llama3", "llama-v3" -> TokenizerComponents.LLAMA3;
          case "tekken" -> TokenizerComponents.TEKKEN;
          case "gpt-2", "default" -> TokenizerComponents.GPT2;
          default ->
              throw metadata.invalid(
                  PRE,
                  "\"qwen2\", \"llama-bpe\", \"tekken\" or \"gpt-2\", the ways to find words that"
                      + " are supported");
        };
    boolean wholeWords = pre.startsWith("llama") || pre.equals("tekken");
    if (normalises()) {
      file.set("normalizer", created("NFC"));
    }
    ObjectNode split = created("Split").put("behavior", "Isolated").put("invert", false);
    split.putObject("pattern").put("Regex", words);
    ObjectNode sequence = created("Sequence");
    sequence.putArray("pretokenizers").add(split).add(byteLevel());
    file.set("pre_tokenizer", sequence);
    file.set("decoder", byteLevel());
    putFrame(file, wholeWords);
    ObjectNode model = file.putObject("model");
    model.put("type", "BPE").put("ignore_merges", wholeWords);
  }

  private void putSentencePiece(ObjectNode file) {
    boolean prefix = metadata.flagIfPresent(PREFIX + "add_space_prefix").orElse(true);
    ArrayNode normalizers =
        file.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
    if (prefix) {
      normalizers.add(created("Prepend").put("prepend", BLANK));
    }
    normalizers.add(replace(" ", BLANK));
    ArrayNode decoders = file.putObject("decoder").put("type", "Sequence").putArray("decoders");
    decoders.add(replace(BLANK, " ")).add(created("ByteFallback")).add(created("Fuse"));
    if (prefix) {
      decoders.add(created("Strip").put("content", " ").put("start", 1).put("stop", 0));
    }
    putFrame(file, true);
    ObjectNode model = file.putObject("model");
    model.put("type", "BPE").put("byte_fallback", true).put("fuse_unk", true);
    special("unknown").ifPresent(id -> model.put("unk_token", tokens.get(id)));
  }

  /**
   * SentencePiece joins the two neighbours whose union has the highest score. As a list of merges
   * that is: every way to cut a token into two tokens, those of the highest score first.
   */
  private void addMergesByScore(TokenizerFileReader reader) {
    String key = PREFIX + "scores";
    double[] scores = metadata.numbers(key);
    if (scores.length != tokens.size()) {
      throw metadata.invalid(key, "as many as there are " + TOKENS + ", " + tokens.size());
    }
    record Merge(int left, int right, double score) {}
    Map<String, Integer> ids = HashMap.newHashMap(tokens.size());
    for (int id = 0; id < types.length; id++) {
      if (types[id] <= 1) {
        ids.put(tokens.get(id), id);
      }
    }
    List<Merge> merges = new ArrayList<>();
    ids.forEach((token, id) -> {
      for (int at = token.offsetByCodePoints(0, Math.min(1, token.length()));
          at < token.length();
          at = token.offsetByCodePoints(at, 1)) {
        Integer left = ids.get(token.substring(0, at));
        Integer right = ids.get(token.substring(at));
        if (left != null && right != null) {
          merges.add(new Merge(left, right, scores[id]));
        }
      }
    });
    merges.sort(
        Comparator.comparingDouble((Merge merge) -> -merge.score())
            .thenComparingInt(Merge::left)
            .thenComparingInt(Merge::right));
    merges.forEach(merge -> reader.addMerge(tokens.get(merge.left()), tokens.get(merge.right())));
  }

  /** What is put around a text that no chat template frames. */
  private void putFrame(ObjectNode file, boolean beginsByDefault) {
    boolean begins = metadata.flagIfPresent(PREFIX + "add_bos_token").orElse(beginsByDefault);
    boolean ends = metadata.flagIfPresent(PREFIX + "add_eos_token").orElse(false);
    ObjectNode frame = created("TemplateProcessing");
    ArrayNode single = frame.putArray("single");
    ObjectNode special = frame.putObject("special_tokens");
    if (begins) {
      special("bos").ifPresent(id -> putSpecial(single, special, id));
    }
    single.addObject().putObject("Sequence").put("id", "A");
    if (ends) {
      special("eos").ifPresent(id -> putSpecial(single, special, id));
    }
    file.set("post_processor", frame);
  }

  private void putSpecial(ArrayNode single, ObjectNode special, int id) {
    single.addObject().putObject("SpecialToken").put("id", tokens.get(id));
    special.putObject(tokens.get(id)).putArray("ids").add(id);
  }

  private static ObjectNode replace(String pattern, String content) {
    ObjectNode replace = created("Replace").put("content", content);
    replace.putObject("pattern").put("String", pattern);
    return replace;
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
}
