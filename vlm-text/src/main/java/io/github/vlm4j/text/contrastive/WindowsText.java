package io.github.vlm4j.text.contrastive;

/**
 * Windows code page 1252, in which the bytes 0x80 to 0x9F stand for typographic characters where
 * ISO 8859-1 has control characters; five of them are not assigned and stay what they are.
 */
final class WindowsText {

  /** Bytes 0x80 to 0x9F. */
  private static final String TYPOGRAPHIC =
      "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
          + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

  private WindowsText() {}

  /** The character of a byte from 0x80 to 0x9F. */
  static char character(int b) {
    return TYPOGRAPHIC.charAt(b - 0x80);
  }

  /**
   * The byte that a character was, whether it was read as code page 1252 or as ISO 8859-1; -1 if it
   * is in neither.
   */
  static int byteOf(char c) {
    if (c < 0x100) {
      return c;
    }
    int at = TYPOGRAPHIC.indexOf(c);
    return at < 0 ? -1 : 0x80 + at;
  }

  /** Puts typographic characters in the place of the control characters U+0080 to U+009F. */
  static String withoutControls(String text) {
    StringBuilder result = new StringBuilder(text);
    for (int i = 0; i < result.length(); i++) {
      char c = result.charAt(i);
      if (c >= 0x80 && c <= 0x9f) {
        result.setCharAt(i, character(c));
      }
    }
    return result.toString();
  }
}
