package io.github.vlm4j.text.tokenizer;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer of a large vocabulary of sequences of bytes. The library takes most of a second to
 * take such a vocabulary up, and a hundred megabytes. A short text needs few tokens of it, as only
 * those can come out that occur in the text. So the library is given these first; the whole
 * vocabulary follows on a thread of its own once another text is to be encoded. Ids are decoded
 * without the library.
 */
final class GradualTokenizer implements Tokenizer {

  /** A vocabulary of fewer tokens is soon taken up. */
  static final int LEAST_TOKENS = 1 << 14;

  /** In longer texts, looking for tokens takes as long as what it spares. */
  private static final int MOST_CHARS = 1024;

  /** A byte that occurs in no text. */
  private static final byte NO_BYTE = (byte) 0xff;

  /** All characters below are what they are normalised to, whatever they stand beside. */
  private static final char FIRST_COMBINING = '\u0300';

  private final GgufTokenizer vocabulary;
  private final Path path;
  private final TextFrame frame;
  private boolean used;
  private @Nullable CompletableFuture<HuggingFaceTokenizer> whole;

  /**
   * Takes a vocabulary.
   *
   * @param vocabulary one whose tokens are sequences of bytes
   * @param path what messages are to call it
   * @throws CheckpointException if it is malformed, as far as that is seen without all tokens
   */
  GradualTokenizer(GgufTokenizer vocabulary, Path path) {
    this.vocabulary = vocabulary;
    this.path = path;
    frame = TextFrame.of(vocabulary.frameFile(path)).orElse(TextFrame.NONE);
  }

  @Override
  public int[] encode(RenderedPrompt prompt) {
    String text = HuggingFaceTokenizer.withoutLoneSurrogates(prompt.text());
    boolean isShort = text.length() <= MOST_CHARS && isNormal(text);
    HuggingFaceTokenizer all = isShort ? wholeIfThere() : whole();
    return all == null
        ? HuggingFaceTokenizer.of(vocabulary.fileFor(path, text)).encode(prompt)
        : all.encode(prompt);
  }

  private boolean isNormal(String text) {
    return !vocabulary.normalises()
        || text.chars().allMatch(c -> c < FIRST_COMBINING)
        || Normalizer.isNormalized(text, Normalizer.Form.NFC);
  }

  /** Joins the bytes that tokens stand for, which takes no more than their spellings. */
  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * ids.length);
    for (int id : ids) {
      if (!skipSpecial || !isSpecial(id)) {
        vocabulary.token(id).ifPresent(token -> ByteAlphabet.write(token, bytes));
      }
    }
    return text(bytes.toByteArray());
  }

  /**
   * Decodes UTF-8 as the library does: of a surrogate, which is no character there, each byte is
   * replaced by itself, where Java replaces the three together.
   */
  private static String text(byte[] bytes) {
    for (int i = 0; i + 1 < bytes.length; i++) {
      if (bytes[i] == (byte) 0xed && (bytes[i + 1] & 0xe0) == 0xa0) {
        bytes[i] = NO_BYTE;
      }
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Returns the whole tokenizer, or null while it is not there, which is soon if it is used. */
  private synchronized @Nullable HuggingFaceTokenizer wholeIfThere() {
    CompletableFuture<HuggingFaceTokenizer> begun = used ? begun() : null;
    used = true;
    return begun != null && begun.isDone() ? joined(begun) : null;
  }

  private HuggingFaceTokenizer whole() {
    return joined(begun());
  }

  private synchronized CompletableFuture<HuggingFaceTokenizer> begun() {
    CompletableFuture<HuggingFaceTokenizer> begun = whole;
    if (begun == null) {
      begun =
          CompletableFuture.supplyAsync(
              () -> HuggingFaceTokenizer.of(vocabulary.file(path)),
              task -> Thread.ofPlatform().daemon().name("vlm-tokenizer").start(task));
      whole = begun;
    }
    return begun;
  }

  private static HuggingFaceTokenizer joined(CompletableFuture<HuggingFaceTokenizer> begun) {
    try {
      return begun.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException failure ? failure : e;
    }
  }

  @Override
  public TextFrame frame() {
    return frame;
  }

  @Override
  public OptionalInt idOf(String token) {
    return vocabulary.idOf(token).stream()
        .mapToInt(Integer::intValue)
        .filter(id -> vocabulary.token(id).isPresent())
        .findFirst();
  }

  @Override
  public String tokenOf(int id) {
    return vocabulary
        .token(id)
        .orElseThrow(
            () -> new InputException("The tokenizer has no token with id %d.".formatted(id)));
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isControl(id);
  }

  @Override
  public int vocabularySize() {
    int size = vocabulary.size();
    while (size > 0 && vocabulary.token(size - 1).isEmpty()) {
      size--;
    }
    return size;
  }
}
