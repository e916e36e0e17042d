package io.github.vlm4j.text.contrastive;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * UTF-8 that was read as Windows-1252 or ISO 8859-1, and how to undo it: runs of characters whose
 * bytes are multi-byte sequences of UTF-8 are decoded, if at least one of them is hardly meant as
 * it stands, such as a superscript right after an accented capital. If all of a line is such
 * sequences and ASCII, one is evidence for the whole line. Repeated, as text may be spoilt twice.
 *
 * <p>ftfy, which does this for open_clip, knows more: other code pages (Cyrillic, Greek, Mac OS and
 * DOS), longer sequences that lost a byte or whose no-break space became a plain one, and a finer
 * judgement of what is meant as it stands. Where nothing is spoilt, or by these two code pages
 * alone, the results mostly agree.
 */
final class Mojibake {

  private static final int MAX_ROUNDS = 8;

  /** Punctuation and currency signs that also follow accented letters in sound text. */
  private static final String COMMON =
      "\u00a0\u00a1\u00ab\u00ad\u00ae\u00b4\u00b7\u00bb\u00bf\u2013\u2014\u2018\u2019\u201a\u201c\u201d"
          + "\u201e\u2022\u2026\u2039\u203a\u2122\u00a2\u00a3\u00a5\u20ac\u00a9";

  /** Capitals that begin the sequences of most Latin and some Cyrillic and Greek letters. */
  private static final String TELLING = "\u00c2\u00c3\u00ce\u00d0";

  /**
   * A no-break space, or the letter à before one, of which a plain space has remained. A word of
   * its own keeps the space after it, except in some Portuguese words.
   */
  private static final Pattern LOST_SPACE =
      Pattern.compile("\u00c2 |\u00c3 (?= |quele|quela|quilo|s )|\u00c3(?= )");

  private static final Pattern EVIDENCE_OF_LOST_SPACE =
      Pattern.compile("(?:^|[a-z]\\s?)[\u00c2\u00c3] ");

  /** Characters from one index to another whose bytes are sequences of UTF-8. */
  private record Run(int start, int end, boolean spoilt) {}

  private Mojibake() {}

  static String repaired(String text) {
    String current = text;
    for (int round = 0; round < MAX_ROUNDS; round++) {
      String next = repairedOnce(current);
      if (next.equals(current)) {
        break;
      }
      current = next;
    }
    return current;
  }

  private static String repairedOnce(String text) {
    List<Run> runs = runs(text);
    boolean spoilt = runs.stream().anyMatch(Run::spoilt);
    boolean spaceLost = EVIDENCE_OF_LOST_SPACE.matcher(text).find();
    if (!spoilt && !spaceLost) {
      return text;
    }
    if (LOST_SPACE.matcher(text).find()) {
      String restored =
          LOST_SPACE
              .matcher(text)
              .replaceAll(match -> Matcher.quoteReplacement(match.group().charAt(0) + "\u00a0"));
      return decoded(restored, runs(restored));
    }
    return decoded(text, runs);
  }

  private static String decoded(String text, List<Run> runs) {
    boolean whole = isWhole(text, runs);
    StringBuilder result = new StringBuilder(text.length());
    int at = 0;
    for (Run run : runs) {
      String original = whole || run.spoilt ? decoded(text, run.start, run.end) : null;
      if (original != null) {
        result.append(text, at, run.start).append(original);
        at = run.end;
      }
    }
    return result.append(text, at, text.length()).toString();
  }

  private static List<Run> runs(String text) {
    List<Run> runs = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int end = at;
      boolean spoilt = false;
      int length = sequence(text, end);
      while (length > 0) {
        spoilt |= isUnlikely(text, end, length);
        end += length;
        length = sequence(text, end);
      }
      if (end > at) {
        runs.add(new Run(at, end, spoilt));
      }
      at = Math.max(end, at + 1);
    }
    return runs;
  }

  /** Whether everything between the runs is ASCII. */
  private static boolean isWhole(String text, List<Run> runs) {
    int at = 0;
    for (Run run : runs) {
      if (!isAscii(text, at, run.start)) {
        return false;
      }
      at = run.end;
    }
    return isAscii(text, at, text.length());
  }

  private static boolean isAscii(String text, int start, int end) {
    return text.substring(start, end).chars().allMatch(c -> c < 0x80);
  }

  /** The length of the multi-byte sequence that begins at an index, 0 if there is none. */
  private static int sequence(String text, int at) {
    int lead = at < text.length() ? WindowsText.byteOf(text.charAt(at)) : -1;
    int length =
        lead >= 0xc2 && lead <= 0xdf
            ? 2
            : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
    if (length == 0 || at + length > text.length()) {
      return 0;
    }
    for (int i = 1; i < length; i++) {
      int b = WindowsText.byteOf(text.charAt(at + i));
      if (b < 0x80 || b > 0xbf) {
        return 0;
      }
    }
    return length;
  }

  private static boolean isUnlikely(String text, int at, int length) {
    char before = at > 0 ? text.charAt(at - 1) : ' ';
    if (length == 2
        && (TELLING.indexOf(text.charAt(at)) >= 0 || (before >= 'a' && before <= 'z'))) {
      return true;
    }
    for (int i = 1; i < length; i++) {
      boolean common = COMMON.indexOf(text.charAt(at + i)) >= 0;
      // A currency sign after a small letter is as telling as one within a sequence.
      boolean currency = length > 2 && "\u00a2\u00a3\u00a5\u20ac".indexOf(text.charAt(at + i)) >= 0;
      if (!common || currency) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable String decoded(String text, int start, int end) {
    byte[] bytes = new byte[end - start];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) WindowsText.byteOf(text.charAt(start + i));
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException _) {
      return null;
    }
  }
}
