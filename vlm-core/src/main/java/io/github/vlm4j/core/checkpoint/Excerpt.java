package io.github.vlm4j.core.checkpoint;

/**
 * Text out of a file that is not trusted, made fit for a one-line error message: control characters
 * are escaped, since they could rewrite the user's terminal, and long text is cut.
 */
final class Excerpt {

  private static final int MAX_CHARS = 120;

  private Excerpt() {}

  /** Returns the text, escaped and cut. */
  static String of(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); ) {
      if (i >= MAX_CHARS) {
        return out.append("… (").append(text.length()).append(" characters)").toString();
      }
      int c = text.codePointAt(i);
      if (isPrintable(c)) {
        out.appendCodePoint(c);
      } else {
        out.append(String.format("\\u%04x", c));
      }
      i += Character.charCount(c);
    }
    return out.toString();
  }

  /** Returns the text, escaped and cut, in double quotes. */
  static String quoted(String text) {
    return '"' + of(text) + '"';
  }

  /** Returns whether every surrogate has its partner, so that the text has a UTF-8 form. */
  static boolean isUnicode(String text) {
    return text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE);
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
