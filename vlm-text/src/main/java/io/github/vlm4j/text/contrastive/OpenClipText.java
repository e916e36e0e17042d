package io.github.vlm4j.text.contrastive;

import io.github.vlm4j.text.tokenizer.LibraryTokenizer;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The ids of a text as open_clip's {@code SimpleTokenizer} finds them (`open_clip/tokenizer.py`):
 * the text is cleaned, and the spellings of the two special tokens are read as these tokens where
 * they begin a word.
 *
 * @param tokenizer splits words and merges byte pairs
 * @param start the id of {@code <start_of_text>}
 * @param end the id of {@code <end_of_text>}
 */
record OpenClipText(LibraryTokenizer tokenizer, int start, int end) implements TextIds {

  /**
   * A special token, unless it is in the midst of punctuation, which is one word with its bracket.
   */
  private static final Pattern SPECIAL =
      Pattern.compile("(?:\\G|(?<![^\\s\\p{L}\\p{N}]))<(start|end)_of_text>");

  @Override
  public int[] of(String text) {
    String cleaned = cleaned(text);
    IntStream.Builder ids = IntStream.builder();
    Matcher special = SPECIAL.matcher(cleaned);
    int at = 0;
    while (special.find()) {
      append(ids, cleaned.substring(at, special.start()));
      ids.add(special.group(1).equals("start") ? start : end);
      at = special.end();
    }
    append(ids, cleaned.substring(at));
    return ids.build().toArray();
  }

  private void append(IntStream.Builder ids, String words) {
    for (int id : tokenizer.encode(words)) {
      ids.add(id);
    }
  }

  static String cleaned(String text) {
    String fixed = TextFixes.applied(text);
    String unescaped = HtmlReferences.unescape(HtmlReferences.unescape(fixed));
    return PythonText.singleBlanks(unescaped).toLowerCase(Locale.ROOT);
  }
}
