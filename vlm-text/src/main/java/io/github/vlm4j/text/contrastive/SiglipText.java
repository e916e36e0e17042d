package io.github.vlm4j.text.contrastive;

import static java.util.Objects.requireNonNull;

import io.github.vlm4j.text.tokenizer.LibraryTokenizer;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The ids of a text as transformers' {@code SiglipTokenizer} finds them: special tokens are cut
 * out; what is between them is lower-cased, loses its punctuation (the 32 signs of ASCII) and its
 * superfluous blanks, and goes to SentencePiece. A blank is put before the first part alone.
 */
final class SiglipText implements TextIds {

  private static final char BLANK = '\u2581';
  private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");

  private final LibraryTokenizer tokenizer;
  private final Map<String, Integer> special;
  private final Pattern anySpecial;
  private final boolean lowerCase;

  /**
   * Creates the rule.
   *
   * @param tokenizer SentencePiece's model, without a blank before a text
   * @param special spellings and ids, at least one
   */
  SiglipText(LibraryTokenizer tokenizer, Map<String, Integer> special, boolean lowerCase) {
    this.tokenizer = tokenizer;
    this.special = Map.copyOf(special);
    this.lowerCase = lowerCase;
    List<String> longestFirst =
        special.keySet().stream()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
    this.anySpecial =
        Pattern.compile(longestFirst.stream().map(Pattern::quote).collect(Collectors.joining("|")));
  }

  @Override
  public int[] of(String text) {
    String marked = BLANK + lowered(text.replace(BLANK, ' '));
    IntStream.Builder ids = IntStream.builder();
    Matcher matcher = anySpecial.matcher(marked);
    int at = 0;
    while (matcher.find()) {
      append(ids, marked.substring(at, matcher.start()));
      ids.add(requireNonNull(special.get(matcher.group())));
      at = matcher.end();
    }
    append(ids, marked.substring(at));
    return ids.build().toArray();
  }

  private String lowered(String text) {
    return lowerCase ? text.toLowerCase(Locale.ROOT) : text;
  }

  private void append(IntStream.Builder ids, String part) {
    String words = PythonText.singleBlanks(PUNCTUATION.matcher(part).replaceAll(""));
    // A blank at the end counts for nothing, also if it is all there is.
    if (!words.equals(String.valueOf(BLANK))) {
      for (int id : tokenizer.encode(words)) {
        ids.add(id);
      }
    }
  }
}
