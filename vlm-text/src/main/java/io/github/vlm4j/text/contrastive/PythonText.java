package io.github.vlm4j.text.contrastive;

/** What Python's string methods do with white space, of which it knows more than Java. */
final class PythonText {

  private PythonText() {}

  /** As {@code str.isspace} of one character. */
  static boolean isSpace(int c) {
    return (c >= '\t' && c <= '\r')
        || (c >= 0x1c && c <= ' ')
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  /** As {@code " ".join(text.split())}. */
  static String singleBlanks(String text) {
    StringBuilder result = new StringBuilder(text.length());
    boolean blank = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isSpace(c)) {
        blank = !result.isEmpty();
      } else {
        if (blank) {
          result.append(' ');
          blank = false;
        }
        result.append(c);
      }
    }
    return result.toString();
  }
}
