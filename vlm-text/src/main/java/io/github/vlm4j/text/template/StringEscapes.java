package io.github.vlm4j.text.template;

/** Python's escape sequences in string literals. */
final class StringEscapes {

  private StringEscapes() {}

  /**
   * Decodes the inside of a literal.
   *
   * @param body the text between the quotes
   * @param position where the literal starts, for messages
   */
  static String decode(String body, int position) {
    if (body.indexOf('\\') < 0) {
      return body;
    }
    StringBuilder decoded = new StringBuilder(body.length());
    int at = 0;
    while (at < body.length()) {
      char c = body.charAt(at++);
      if (c != '\\') {
        decoded.append(c);
        continue;
      }
      char escape = body.charAt(at++);
      switch (escape) {
        case '\n' -> {}
        case '\\', '\'', '"' -> decoded.append(escape);
        case 'a' -> decoded.append('\u0007');
        case 'b' -> decoded.append('\b');
        case 'f' -> decoded.append('\f');
        case 'n' -> decoded.append('\n');
        case 'r' -> decoded.append('\r');
        case 't' -> decoded.append('\t');
        case 'v' -> decoded.append('\u000b');
        case 'x' -> at = hex(body, at, 2, decoded, position);
        case 'u' -> at = hex(body, at, 4, decoded, position);
        case 'U' -> at = hex(body, at, 8, decoded, position);
        case 'N' -> throw Failure.syntax("'\\N{...}' escapes are not supported", position);
        default -> {
          if (escape >= '0' && escape <= '7') {
            at = octal(body, at - 1, decoded);
          } else {
            decoded.append('\\').append(escape);
          }
        }
      }
    }
    return decoded.toString();
  }

  private static int hex(String body, int at, int digits, StringBuilder decoded, int position) {
    int code = 0;
    for (int i = at; i < at + digits; i++) {
      int digit = i < body.length() ? Character.digit(body.charAt(i), 16) : -1;
      if (digit < 0 || code > Character.MAX_CODE_POINT) {
        throw Failure.syntax("a \\x, \\u or \\U escape is malformed", position);
      }
      code = (code << 4) | digit;
    }
    if (!Character.isValidCodePoint(code)) {
      throw Failure.syntax("a \\U escape is beyond the last code point", position);
    }
    decoded.appendCodePoint(code);
    return at + digits;
  }

  private static int octal(String body, int at, StringBuilder decoded) {
    int code = 0;
    int end = at;
    while (end < body.length()
        && end < at + 3
        && body.charAt(end) >= '0'
        && body.charAt(end) <= '7') {
      code = code * 8 + body.charAt(end++) - '0';
    }
    decoded.append((char) code);
    return end;
  }
}
