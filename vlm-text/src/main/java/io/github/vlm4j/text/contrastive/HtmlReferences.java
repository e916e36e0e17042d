package io.github.vlm4j.text.contrastive;

import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jsoup.nodes.Entities;
import org.jspecify.annotations.Nullable;

/**
 * HTML character references in plain text, as Python's {@code html.unescape} and, more carefully,
 * ftfy read them. The names are those of the HTML standard, from jsoup.
 */
final class HtmlReferences {

  private static final Pattern ANY =
      Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");

  private static final Pattern UNAMBIGUOUS = Pattern.compile("&(#?)([0-9A-Za-z]{1,24});");

  private static final String REPLACEMENT = "\uFFFD";

  private HtmlReferences() {}

  /**
   * Replaces every reference, also those without a semicolon, of which the longest known beginning
   * counts (Python's `html/__init__.py`, after the HTML standard).
   */
  static String unescape(String text) {
    if (text.indexOf('&') < 0) {
      return text;
    }
    return ANY.matcher(text).replaceAll(match -> quoted(replaced(match.group(1))));
  }

  /**
   * Replaces references that end in a semicolon, also names in capitals that HTML knows in small
   * letters only (ftfy's `fixes.unescape_html`).
   */
  static String unescapeUnambiguous(String text) {
    if (text.indexOf('&') < 0) {
      return text;
    }
    return UNAMBIGUOUS.matcher(text).replaceAll(match -> quoted(unambiguous(match)));
  }

  private static String quoted(String replacement) {
    return Matcher.quoteReplacement(replacement);
  }

  private static String unambiguous(MatchResult match) {
    String reference = match.group();
    String name = match.group(2);
    if (!match.group(1).isEmpty()) {
      String character = unescape(reference);
      return character.indexOf(';') >= 0 ? reference : character;
    }
    String character = named(name + ";");
    if (character != null) {
      return character;
    }
    String lower = name.toLowerCase(Locale.ROOT);
    String ofLower = named(lower + ";");
    boolean capitals = name.equals(name.toUpperCase(Locale.ROOT)) && !name.equals(lower);
    return ofLower != null && capitals && unescape(reference).equals(reference)
        ? ofLower.toUpperCase(Locale.ROOT)
        : reference;
  }

  /** The characters for what follows an ampersand. */
  private static String replaced(String reference) {
    if (reference.charAt(0) == '#') {
      return numbered(reference);
    }
    for (int end = reference.length(); end > 1; end--) {
      String character = named(reference.substring(0, end));
      if (character != null) {
        return character + reference.substring(end);
      }
    }
    return "&" + reference;
  }

  private static @Nullable String named(String name) {
    if (name.endsWith(";")) {
      String character = Entities.getByName(name.substring(0, name.length() - 1));
      return character.isEmpty() ? null : character;
    }
    return Entities.isBaseNamedEntity(name) ? Entities.getByName(name) : null;
  }

  private static String numbered(String reference) {
    boolean hexadecimal = reference.charAt(1) == 'x' || reference.charAt(1) == 'X';
    int radix = hexadecimal ? 16 : 10;
    long number = 0;
    for (int i = hexadecimal ? 2 : 1; i < reference.length() && reference.charAt(i) != ';'; i++) {
      number = Math.min(number * radix + Character.digit(reference.charAt(i), radix), 1L << 32);
    }
    if (number == 0 || (number >= 0xd800 && number <= 0xdfff) || number > 0x10ffff) {
      return REPLACEMENT;
    }
    int codePoint = (int) number;
    if (codePoint >= 0x80 && codePoint <= 0x9f) {
      return String.valueOf(WindowsText.character(codePoint));
    }
    boolean control = codePoint < 0x20 && codePoint != '\t' && codePoint != '\n';
    boolean formFeedOrReturn = codePoint == '\f' || codePoint == '\r';
    boolean noCharacter =
        (codePoint >= 0xfdd0 && codePoint <= 0xfdef) || (codePoint & 0xfffe) == 0xfffe;
    return (control && !formFeedOrReturn) || codePoint == 0x7f || noCharacter
        ? ""
        : Character.toString(codePoint);
  }
}
