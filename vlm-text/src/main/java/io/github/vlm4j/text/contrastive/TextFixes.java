package io.github.vlm4j.text.contrastive;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What ftfy's {@code fix_text} (6.3) does to a text with its default settings, line by line and
 * until nothing changes any more: HTML references, {@linkplain Mojibake mojibake}, ligatures, wide
 * and narrow forms, curly quotation marks, line breaks, halves of surrogate pairs, terminal
 * escapes, control characters, composition.
 */
final class TextFixes {

  /** References in references unfold one level per round; nobody means more. */
  private static final int MAX_ROUNDS = 16;

  private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001b\\[[\\d;]*[a-zA-Z]");
  private static final Pattern LINE_BREAK = Pattern.compile("\r\n|[\r\u2028\u2029\u0085]");
  private static final Pattern SINGLE_QUOTE = Pattern.compile("[\u02bc\u2018-\u201b]");
  private static final Pattern DOUBLE_QUOTE = Pattern.compile("[\u201c-\u201f]");
  private static final Pattern HALF_SURROGATE = Pattern.compile("\\p{Cs}");
  private static final Pattern CONTROL =
      Pattern.compile("[\0-\b\u000b\u000e-\u001f\u007f\u206a-\u206f\ufeff\ufff9-\ufffc]");

  /** Typographic ligatures and the digraphs of old character sets, of Latin letters. */
  private static final Map<Integer, String> LIGATURES =
      Map.ofEntries(
          Map.entry(0x132, "IJ"),
          Map.entry(0x133, "ij"),
          Map.entry(0x149, "\u02bcn"),
          Map.entry(0x1c4, "D\u017d"),
          Map.entry(0x1c5, "D\u017e"),
          Map.entry(0x1c6, "d\u017e"),
          Map.entry(0x1c7, "LJ"),
          Map.entry(0x1c8, "Lj"),
          Map.entry(0x1c9, "lj"),
          Map.entry(0x1ca, "NJ"),
          Map.entry(0x1cb, "Nj"),
          Map.entry(0x1cc, "nj"),
          Map.entry(0x1f1, "DZ"),
          Map.entry(0x1f2, "Dz"),
          Map.entry(0x1f3, "dz"),
          Map.entry(0xfb00, "ff"),
          Map.entry(0xfb01, "fi"),
          Map.entry(0xfb02, "fl"),
          Map.entry(0xfb03, "ffi"),
          Map.entry(0xfb04, "ffl"),
          Map.entry(0xfb05, "\u017ft"),
          Map.entry(0xfb06, "st"));

  private static final int IDEOGRAPHIC_SPACE = 0x3000;
  private static final int FIRST_FORM = 0xff01;
  private static final int LAST_FORM = 0xffef;

  private TextFixes() {}

  static String applied(String text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean unescape = true;
    int at = 0;
    while (at < text.length()) {
      int end = text.indexOf('\n', at) + 1;
      String line = text.substring(at, end == 0 ? text.length() : end);
      // What holds an angle bracket may be HTML, whose references are meant; so may be the rest.
      unescape &= line.indexOf('<') < 0;
      result.append(fixed(line, unescape));
      at += line.length();
    }
    return result.toString();
  }

  private static String fixed(String line, boolean unescape) {
    String current = line;
    for (int round = 0; round < MAX_ROUNDS; round++) {
      String next = unescape ? HtmlReferences.unescapeUnambiguous(current) : current;
      next = isPlain(next) ? next : fixedCharacters(next);
      if (next.equals(current)) {
        break;
      }
      current = next;
    }
    return current;
  }

  private static boolean isPlain(String text) {
    return text.chars().allMatch(c -> (c >= ' ' && c <= '~') || c == '\n' || c == '\t');
  }

  private static String fixedCharacters(String text) {
    String next = WindowsText.withoutControls(Mojibake.repaired(text));
    next = widened(next);
    next = SINGLE_QUOTE.matcher(DOUBLE_QUOTE.matcher(next).replaceAll("\"")).replaceAll("'");
    next = LINE_BREAK.matcher(next).replaceAll("\n");
    next = HALF_SURROGATE.matcher(next).replaceAll("\ufffd");
    next = TERMINAL_ESCAPE.matcher(next).replaceAll("");
    next = CONTROL.matcher(next).replaceAll("");
    return Normalizer.normalize(next, Form.NFC);
  }

  /** Splits ligatures, and replaces wide and narrow forms by the usual ones. */
  private static String widened(String text) {
    StringBuilder result = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      String letters = c < 0x132 ? null : LIGATURES.get((int) c);
      if (letters != null) {
        result.append(letters);
      } else if (c == IDEOGRAPHIC_SPACE) {
        result.append(' ');
      } else if (c >= FIRST_FORM && c <= LAST_FORM) {
        result.append(Normalizer.normalize(String.valueOf(c), Form.NFKC));
      } else {
        result.append(c);
      }
    }
    return result.toString();
  }
}
