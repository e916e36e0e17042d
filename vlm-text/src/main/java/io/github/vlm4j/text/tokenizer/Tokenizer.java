package io.github.vlm4j.text.tokenizer;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * Turns text into token ids and back.
 *
 * <p>Control tokens such as {@code <|im_start|>} come only from trusted text: what merely looks
 * like one in untrusted text is tokenised as plain characters. Implementations are safe for use by
 * several threads.
 */
public interface Tokenizer {

  /** Longer texts are refused, in UTF-16 units: no model has a context for them. */
  int MAX_CHARS = 4 << 20;

  /**
   * Loads the tokenizer of a model folder.
   *
   * @param folder holds {@code tokenizer.json} or, of Qwen's first generation, {@code
   *     qwen.tiktoken}
   * @throws CheckpointException if the file is missing, malformed or of an unsupported kind
   * @throws BackendException if the native tokenizer library cannot be loaded
   */
  static Tokenizer load(Path folder) {
    Path json = folder.resolve("tokenizer.json");
    Path tiktoken = folder.resolve(TiktokenFile.NAME);
    return Files.exists(json) || !Files.exists(tiktoken)
        ? HuggingFaceTokenizer.load(json)
        : HuggingFaceTokenizer.of(TiktokenFile.read(tiktoken));
  }

  /**
   * Loads the tokenizer that comes with a model.
   *
   * @param files hold what {@link #load(Path)} looks for
   * @throws CheckpointException if the file is missing, malformed or of an unsupported kind
   * @throws BackendException if the native tokenizer library cannot be loaded
   */
  static Tokenizer load(CompanionFiles files) {
    return switch (files) {
      case CompanionFiles.Folder folder -> load(folder.path());
      case CompanionFiles.Made made ->
          new GgufTokenizer(made.metadata()).tokenizer(made.path("tokenizer.json"));
    };
  }

  /**
   * Token ids of a prompt. For trusted text alone they equal what the reference tokenizer gives
   * without adding special tokens.
   *
   * @throws InputException if the text is longer than {@link #MAX_CHARS}
   */
  int[] encode(RenderedPrompt prompt);

  /** Token ids of text in which nothing is a control token. */
  default int[] encode(String untrusted) {
    return encode(RenderedPrompt.untrusted(untrusted));
  }

  /**
   * The text of token ids. Bytes that are not UTF-8 become U+FFFD; unknown ids become nothing.
   *
   * @param skipSpecial whether special tokens are left out
   */
  String decode(int[] ids, boolean skipSpecial);

  /**
   * A decoder for tokens that arrive one by one.
   *
   * @param skipSpecial whether special tokens are left out
   */
  default TokenStream stream(boolean skipSpecial) {
    return new TokenStream(this, skipSpecial);
  }

  /**
   * The tokens that stand around a text that no chat template frames, such as the one that begins a
   * document.
   *
   * @throws CheckpointException if what the file says about it is malformed or of an unsupported
   *     kind
   */
  default TextFrame frame() {
    return TextFrame.NONE;
  }

  /** The id of a vocabulary entry or added token, in the vocabulary's own spelling. */
  OptionalInt idOf(String token);

  /**
   * The vocabulary entry of an id, in the vocabulary's own spelling.
   *
   * @throws InputException if there is no such id
   */
  String tokenOf(int id);

  /** Whether the id is an added token marked as special. */
  boolean isSpecial(int id);

  /** One more than the highest id. */
  int vocabularySize();
}
