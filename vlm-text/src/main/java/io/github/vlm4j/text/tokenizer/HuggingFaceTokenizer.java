package io.github.vlm4j.text.tokenizer;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.text.template.RenderedPrompt;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a {@code tokenizer.json}, run by Hugging Face's own library.
 *
 * <p>That library finds added tokens anywhere in a text. A prompt is first encoded as it is; if the
 * added tokens in the result are exactly those of the trusted parts, nothing was injected, and the
 * ids are the reference's. Otherwise it is encoded again by a second tokenizer, in which every
 * added token has a secret spelling that only the trusted occurrences are given.
 */
final class HuggingFaceTokenizer implements Tokenizer {

  private final TokenizerFile file;
  private final NativeTokenizer plain;
  private final AddedTokens addedTokens;
  private final Map<Integer, AddedToken> addedById;
  private final Map<String, Integer> addedByContent;
  private final Map<Integer, String> tokens;
  private final int vocabularySize;
  private @Nullable SecretTokenizer secret;

  private HuggingFaceTokenizer(TokenizerFile stored) {
    // Llama 1's are marked as normalized; with its normalizer, which puts a blank before a text,
    // the
    // library would then find only those that begin a word.
    this.file = stored.with(stored.addedTokens().stream().map(AddedToken::asWritten).toList());
    this.plain = NativeTokenizer.create(file.json(Map.of()));
    this.addedTokens = new AddedTokens(file.addedTokens());
    this.addedById =
        file.addedTokens().stream().collect(Collectors.toMap(AddedToken::id, token -> token));
    this.addedByContent =
        file.addedTokens().stream().collect(Collectors.toMap(AddedToken::content, AddedToken::id));
    this.tokens = file.byId();
    this.vocabularySize = 1 + tokens.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1);
    checkIds(plain, Map.of());
  }

  static HuggingFaceTokenizer load(Path path) {
    return of(TokenizerFileReader.read(path));
  }

  static HuggingFaceTokenizer of(TokenizerFile file) {
    return new HuggingFaceTokenizer(file);
  }

  /** The library numbers added tokens itself; that must agree with the file. */
  private void checkIds(NativeTokenizer tokenizer, Map<String, String> names) {
    for (AddedToken token : file.addedTokens()) {
      int[] ids = tokenizer.encode(names.getOrDefault(token.content(), token.content()));
      if (ids.length != 1 || ids[0] != token.id()) {
        throw file.broken(
            "added token '%s' is said to have id %d, but is encoded as %s."
                .formatted(token.content(), token.id(), Arrays.toString(ids)));
      }
    }
  }

  @Override
  public int[] encode(RenderedPrompt prompt) {
    if (prompt.text().length() > MAX_CHARS) {
      throw new InputException(
          "The prompt has %,d characters; at most %,d can be tokenised."
              .formatted(prompt.text().length(), MAX_CHARS));
    }
    String text = withoutLoneSurrogates(prompt.text());
    List<AddedTokens.Match> matches = addedTokens.trustedMatches(text, prompt.spans());
    int[] ids = plain.encode(text);
    if (hasExactly(matches, ids)) {
      return ids;
    }
    ids = secretTokenizer().encode(text, matches);
    if (!hasExactly(matches, ids)) {
      throw new InputException(
          "The prompt cannot be tokenised: its text is read as control tokens whatever is done"
              + " about it. Remove text such as "
              + firstForeign(matches, ids)
              + ".");
    }
    return ids;
  }

  private boolean hasExactly(List<AddedTokens.Match> matches, int[] ids) {
    int found = 0;
    for (int id : ids) {
      if (addedById.containsKey(id)) {
        if (found == matches.size() || matches.get(found).token().id() != id) {
          return false;
        }
        found++;
      }
    }
    return found == matches.size();
  }

  private String firstForeign(List<AddedTokens.Match> matches, int[] ids) {
    List<Integer> expected = matches.stream().map(match -> match.token().id()).distinct().toList();
    return IntStream.of(ids)
        .filter(id -> addedById.containsKey(id) && !expected.contains(id))
        .mapToObj(tokens::get)
        .findFirst()
        .orElse("control tokens");
  }

  private synchronized SecretTokenizer secretTokenizer() {
    SecretTokenizer current = secret;
    if (current == null) {
      current = new SecretTokenizer();
      secret = current;
    }
    return current;
  }

  static String withoutLoneSurrogates(String text) {
    StringBuilder repaired = null;
    for (int i = 0; i < text.length(); i++) {
      if (!Character.isSurrogate(text.charAt(i))) {
        continue;
      }
      if (i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1))) {
        i++;
      } else {
        repaired = repaired == null ? new StringBuilder(text) : repaired;
        repaired.setCharAt(i, '\uFFFD');
      }
    }
    return repaired == null ? text : repaired.toString();
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    long[] known = IntStream.of(ids).filter(tokens::containsKey).asLongStream().toArray();
    return plain.decode(known, skipSpecial);
  }

  @Override
  public TextFrame frame() {
    return TextFrame.of(file).orElse(TextFrame.NONE);
  }

  @Override
  public OptionalInt idOf(String token) {
    Integer added = addedByContent.get(token);
    Integer id = added != null ? added : file.vocabulary().get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public String tokenOf(int id) {
    String token = tokens.get(id);
    if (token == null) {
      throw new InputException("The tokenizer has no token with id %d.".formatted(id));
    }
    return token;
  }

  @Override
  public boolean isSpecial(int id) {
    AddedToken token = addedById.get(id);
    return token != null && token.special();
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  /** The same tokenizer with spellings of the added tokens that nobody can guess. */
  private final class SecretTokenizer {

    private final String nonce;
    private final Map<String, String> names = new HashMap<>();
    private final NativeTokenizer tokenizer;

    SecretTokenizer() {
      byte[] random = new byte[16];
      new SecureRandom().nextBytes(random);
      nonce = HexFormat.of().formatHex(random);
      for (AddedToken token : file.addedTokens()) {
        names.put(token.content(), "<|" + nonce + "." + token.id() + "|>");
      }
      tokenizer = NativeTokenizer.create(file.json(names));
      checkIds(tokenizer, names);
    }

    int[] encode(String text, List<AddedTokens.Match> matches) {
      if (text.contains(nonce)) {
        throw new InputException("The prompt contains a secret of this process.");
      }
      StringBuilder renamed = new StringBuilder(text.length());
      int at = 0;
      for (AddedTokens.Match match : matches) {
        renamed.append(text, at, match.start()).append(names.get(match.token().content()));
        at = match.end();
      }
      return tokenizer.encode(renamed.append(text, at, text.length()).toString());
    }
  }
}
