package io.github.vlm4j.text.contrastive;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.tokenizer.LibraryTokenizer;
import io.github.vlm4j.text.tokenizer.LibraryTokenizer.Preparation;
import io.github.vlm4j.text.tokenizer.TextFrame;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The tokenizer of a contrastive model's text encoder: every text becomes the same number of ids,
 * cut or filled up. Immutable and safe to share between threads.
 *
 * <p>Which rules are followed depends on where the vocabulary comes from: those of transformers 5
 * for Hugging Face folders ({@code CLIPTokenizer}, {@code SiglipTokenizer}, {@code
 * Siglip2Tokenizer}), those of open_clip for its own vocabulary file.
 */
public final class ContrastiveTokenizer {

  private static final String TOKENIZER = "tokenizer.json";
  private static final String VOCABULARY = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String SENTENCE_PIECE = "spiece.model";
  private static final String OPEN_CLIP = "bpe_simple_vocab_16e6.txt.gz";

  private static final SpecialTokens CLIP =
      SpecialTokens.of("<|startoftext|>", "<|endoftext|>", "<|endoftext|>", "<|endoftext|>");
  private static final SpecialTokens SIGLIP = SpecialTokens.of("<s>", "</s>", "<unk>", "</s>");
  private static final SpecialTokens SIGLIP2 = SpecialTokens.of("<bos>", "<eos>", "<unk>", "<pad>");

  private final TextIds words;
  private final int[] before;
  private final int[] after;
  private final int padding;
  private final boolean padsLeft;
  private final int contextLength;

  private ContrastiveTokenizer(
      TextIds words, TextFrame frame, int padding, boolean padsLeft, int contextLength) {
    this.words = words;
    this.before = frame.before().stream().mapToInt(id -> id).toArray();
    this.after = frame.after().stream().mapToInt(id -> id).toArray();
    this.padding = padding;
    this.padsLeft = padsLeft;
    this.contextLength = contextLength;
    if (contextLength <= before.length + after.length) {
      throw new CheckpointException(
          "A context of %d tokens has no room for a text; correct the model's configuration."
              .formatted(contextLength));
    }
  }

  /**
   * Loads the tokenizer of a Hugging Face folder: {@code tokenizer.json}, or {@code vocab.json} and
   * {@code merges.txt}, or open_clip's vocabulary file, with the rules of {@code
   * tokenizer_config.json} and {@code special_tokens_map.json}.
   *
   * @param folder the model folder
   * @param contextLength how many ids a text becomes
   * @return the tokenizer
   * @throws CheckpointException if the files are missing, malformed or of an unsupported kind
   * @throws BackendException if the native tokenizer library cannot be loaded
   */
  public static ContrastiveTokenizer load(Path folder, int contextLength) {
    ConfigNode config = SpecialTokens.config(folder);
    String type = config.stringOr("tokenizer_class", "").toLowerCase(Locale.ROOT);
    if (!Files.exists(folder.resolve(TOKENIZER))) {
      return withoutTokenizerJson(folder, config, contextLength);
    }
    if (type.startsWith("siglip2") || type.startsWith("gemma")) {
      SpecialTokens special = SpecialTokens.read(folder, config, SIGLIP2);
      return stored(folder, config, special, Preparation.LOWERCASE, contextLength);
    }
    if (type.startsWith("siglip")) {
      return siglip(folder, config, contextLength);
    }
    SpecialTokens special = SpecialTokens.read(folder, config, CLIP);
    return stored(folder, config, special, Preparation.AS_STORED, contextLength);
  }

  /**
   * Loads open_clip's tokenizer.
   *
   * @param vocabulary its vocabulary file {@code bpe_simple_vocab_16e6.txt.gz}, or a folder with
   *     that or with {@code merges.txt}
   * @param contextLength how many ids a text becomes
   * @return the tokenizer
   * @throws CheckpointException if there is no such file, or it is malformed
   * @throws BackendException if the native tokenizer library cannot be loaded
   */
  public static ContrastiveTokenizer openAi(Path vocabulary, int contextLength) {
    Path file = Files.isDirectory(vocabulary) ? openClipFile(vocabulary) : vocabulary;
    List<String> merges = BytePairFile.merges(file);
    int start = 512 + merges.size();
    LibraryTokenizer tokenizer = LibraryTokenizer.parse(file, BytePairFile.openClip(merges));
    return new ContrastiveTokenizer(
        new OpenClipText(tokenizer, start, start + 1),
        new TextFrame(List.of(start), List.of(start + 1)),
        0,
        false,
        contextLength);
  }

  /**
   * The ids of a text: with what goes before and after it, cut to the context from the end of the
   * text, filled up with padding.
   *
   * @param text anything
   * @return ids, {@link #contextLength()} of them
   * @throws InputException if the text is longer than a tokenizer takes
   */
  public int[] encode(String text) {
    int[] ids = words.of(text);
    int room = contextLength - before.length - after.length;
    int taken = Math.min(ids.length, room);
    // SigLIP does not repeat an end that the text brought along.
    boolean ended =
        words instanceof SiglipText && taken > 0 && ids[taken - 1] == after[after.length - 1];
    int length = before.length + taken + (ended ? 0 : after.length);
    int[] result = new int[contextLength];
    Arrays.fill(result, padding);
    int at = padsLeft ? contextLength - length : 0;
    System.arraycopy(before, 0, result, at, before.length);
    System.arraycopy(ids, 0, result, at + before.length, taken);
    if (!ended) {
      System.arraycopy(after, 0, result, at + before.length + taken, after.length);
    }
    return result;
  }

  /**
   * How many ids a text becomes.
   *
   * @return the length of every result of {@link #encode}
   */
  public int contextLength() {
    return contextLength;
  }

  /**
   * The id that marks the end of a text.
   *
   * @return the last of the ids that are put after a text, or -1 if none are
   */
  public int endOfText() {
    return after.length == 0 ? -1 : after[after.length - 1];
  }

  /**
   * The id that texts are filled up with.
   *
   * @return the padding id
   */
  public int padding() {
    return padding;
  }

  private static ContrastiveTokenizer withoutTokenizerJson(
      Path folder, ConfigNode config, int contextLength) {
    if (Files.exists(folder.resolve(VOCABULARY)) && Files.exists(folder.resolve(MERGES))) {
      SpecialTokens special = SpecialTokens.read(folder, config, CLIP);
      Path vocabulary = folder.resolve(VOCABULARY);
      String json = BytePairFile.huggingFace(vocabulary, folder.resolve(MERGES), special);
      LibraryTokenizer tokenizer = LibraryTokenizer.parse(vocabulary, json);
      return of(tokenizer::encode, tokenizer, folder, config, special, contextLength);
    }
    if (Files.exists(folder.resolve(OPEN_CLIP))) {
      return openAi(folder, contextLength);
    }
    if (Files.exists(folder.resolve(SENTENCE_PIECE))) {
      throw new CheckpointException(
          "%s has spiece.model but no tokenizer.json; copy the tokenizer.json that is published"
                  .formatted(folder)
              + " with the checkpoint into it.");
    }
    throw new CheckpointException(
        "%s has no tokenizer; copy tokenizer.json, or vocab.json and merges.txt, or %s into it."
            .formatted(folder, OPEN_CLIP));
  }

  private static ContrastiveTokenizer stored(
      Path folder,
      ConfigNode config,
      SpecialTokens special,
      Preparation preparation,
      int contextLength) {
    LibraryTokenizer tokenizer =
        LibraryTokenizer.load(folder.resolve(TOKENIZER), preparation, contents(special));
    return of(tokenizer::encode, tokenizer, folder, config, special, contextLength);
  }

  private static ContrastiveTokenizer siglip(Path folder, ConfigNode config, int contextLength) {
    SpecialTokens special = SpecialTokens.read(folder, config, SIGLIP);
    LibraryTokenizer tokenizer =
        LibraryTokenizer.load(folder.resolve(TOKENIZER), Preparation.SENTENCE_PIECE, List.of());
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (String content : contents(special)) {
      tokenizer.idOf(content).ifPresent(id -> ids.put(content, id));
    }
    ids.remove(special.begin().content());
    TextIds words = new SiglipText(tokenizer, ids, config.booleanOr("do_lower_case", true));
    return of(words, tokenizer, folder, config, special, contextLength);
  }

  private static ContrastiveTokenizer of(
      TextIds words,
      LibraryTokenizer tokenizer,
      Path folder,
      ConfigNode config,
      SpecialTokens special,
      int contextLength) {
    TextFrame frame = tokenizer.frame().orElseGet(() -> frame(tokenizer, folder, special, words));
    String type = config.stringOr("tokenizer_class", "").toLowerCase(Locale.ROOT);
    String side =
        config.stringOr(
            "padding_side",
            type.startsWith("siglip2") || type.startsWith("gemma") ? "left" : "right");
    if (!side.equals("left") && !side.equals("right")) {
      throw config.invalid("padding_side", "left or right");
    }
    if (config.stringOr("truncation_side", "right").equals("left")) {
      throw config.invalid(
          "truncation_side", "right, as cutting texts at their start is not known");
    }
    int padding = id(tokenizer, folder, special.padding(), "pad_token");
    return new ContrastiveTokenizer(words, frame, padding, side.equals("left"), contextLength);
  }

  /** What the tokenizer's class adds if the file does not say it. */
  private static TextFrame frame(
      LibraryTokenizer tokenizer, Path folder, SpecialTokens special, TextIds words) {
    int end = id(tokenizer, folder, special.end(), "eos_token");
    return words instanceof SiglipText
        ? new TextFrame(List.of(), List.of(end))
        : new TextFrame(List.of(id(tokenizer, folder, special.begin(), "bos_token")), List.of(end));
  }

  private static int id(
      LibraryTokenizer tokenizer, Path folder, SpecialTokens.Token token, String field) {
    return tokenizer
        .idOf(token.content())
        .orElseThrow(() ->
            new CheckpointException(
                "%s: the %s '%s' is not in the vocabulary; correct tokenizer_config.json."
                    .formatted(folder, field, token.content())));
  }

  private static List<String> contents(SpecialTokens special) {
    return special.distinct().stream().map(SpecialTokens.Token::content).toList();
  }

  private static Path openClipFile(Path folder) {
    for (String name : List.of(OPEN_CLIP, MERGES)) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    throw new CheckpointException(
        "%s has no vocabulary; copy %s there, which the open_clip and CLIP packages contain."
            .formatted(folder, OPEN_CLIP));
  }
}
