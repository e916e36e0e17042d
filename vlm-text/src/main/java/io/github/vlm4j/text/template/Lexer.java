package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Splits a template into tokens with the whitespace rules chat templates are rendered with: {@code
 * trim_blocks} (the newline after a block tag goes), {@code lstrip_blocks} (blanks before a block
 * tag on its line go), and the explicit {@code -} and {@code +} signs. Follows jinja2's lexer.
 */
final class Lexer {

  private static final Pattern NUMBER =
      Pattern.compile(
          "(0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+)"
              + "|([0-9]+(_[0-9]+)*)(\\.[0-9]+(_[0-9]+)*)?([eE][+-]?[0-9]+(_[0-9]+)*)?");
  private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}");
  private static final Pattern RAW = Pattern.compile("\\s*raw\\s*(-?)%}");
  private static final String[] OPERATORS = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";"
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private final Deque<Character> brackets = new ArrayDeque<>();
  private int at;

  /** Whether the text at {@link #at} starts a line of its own, for lstrip_blocks. */
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  /** Unifies line ends and drops the last newline, as jinja2 does before anything else. */
  static String normalised(String source) {
    String unified = source.replace("\r\n", "\n").replace('\r', '\n');
    return unified.endsWith("\n") ? unified.substring(0, unified.length() - 1) : unified;
  }

  /** The tokens of a normalised source; the last one is of kind END. */
  static List<Token> tokens(String source) {
    Lexer lexer = new Lexer(source);
    while (lexer.at < source.length()) {
      lexer.data();
    }
    lexer.add(Kind.END, "", source.length());
    return lexer.tokens;
  }

  private void data() {
    int start = at;
    int open = source.indexOf('{', at);
    while (open >= 0 && !isTagStart(open)) {
      open = source.indexOf('{', open + 1);
    }
    if (open < 0) {
      add(Kind.DATA, source.substring(start), start);
      at = source.length();
      return;
    }
    char tag = source.charAt(open + 1);
    char sign = charAt(open + 2);
    addData(start, open, sign, tag != '{');
    at = open + (sign == '-' || sign == '+' ? 3 : 2);
    switch (tag) {
      case '#' -> comment(open);
      case '{' -> tag(open, Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
      default -> {
        Matcher raw = RAW.matcher(source).region(at, source.length());
        if (raw.lookingAt()) {
          raw(open, raw);
        } else {
          tag(open, Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
        }
      }
    }
  }

  private boolean isTagStart(int open) {
    char next = charAt(open + 1);
    return next == '{' || next == '%' || next == '#';
  }

  private char charAt(int index) {
    return index < source.length() ? source.charAt(index) : '\0';
  }

  /** Adds the literal text before a tag, shortened as the tag's sign and lstrip_blocks say. */
  private void addData(int start, int end, char sign, boolean lstrip) {
    int keep = end;
    if (sign == '-') {
      while (keep > start && PythonText.isSpace(source.charAt(keep - 1))) {
        keep--;
      }
    } else if (sign != '+' && lstrip) {
      int newline = end > 0 ? source.lastIndexOf('\n', end - 1) : -1;
      int line = Math.max(newline + 1, start);
      boolean startsLine = newline >= start || lineStarting;
      if (startsLine && isBlank(line, end)) {
        keep = line;
      }
    }
    if (keep > start) {
      add(Kind.DATA, source.substring(start, keep), start);
    }
  }

  private boolean isBlank(int start, int end) {
    for (int i = start; i < end; i++) {
      if (!PythonText.isSpace(source.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private void comment(int open) {
    int close = source.indexOf("#}", at);
    if (close < 0) {
      throw Failure.syntax("a comment is not closed with '#}'", open);
    }
    char sign = close > at ? source.charAt(close - 1) : '\0';
    at = close + 2;
    afterTag(sign, true);
  }

  private void raw(int open, Matcher begin) {
    int start = begin.end();
    at = start;
    if (begin.group(1).equals("-")) {
      skipSpace();
      start = at;
    }
    lineStarting = source.charAt(start - 1) == '\n';
    Matcher end = RAW_END.matcher(source);
    if (!end.find(start)) {
      throw Failure.syntax("'{% raw %}' is not closed with '{% endraw %}'", open);
    }
    String sign = end.group(1);
    addData(start, end.start(), sign.isEmpty() ? '\0' : sign.charAt(0), true);
    at = end.end();
    String closing = end.group(2);
    afterTag(closing.isEmpty() ? '\0' : closing.charAt(0), true);
  }

  /** Applies the closing sign and trim_blocks to what follows a tag. */
  private void afterTag(char sign, boolean trim) {
    int before = at;
    if (sign == '-') {
      skipSpace();
    } else if (sign != '+' && trim && charAt(at) == '\n') {
      at++;
    }
    lineStarting = at > before && source.charAt(at - 1) == '\n';
  }

  private void skipSpace() {
    while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
      at++;
    }
  }

  private void tag(int open, Kind begin, Kind end, String close) {
    add(begin, source.substring(open, at), open);
    brackets.clear();
    while (true) {
      skipSpace();
      if (at >= source.length()) {
        throw Failure.syntax("a tag is not closed with '" + close + "'", open);
      }
      if (brackets.isEmpty()) {
        char sign = source.charAt(at);
        boolean signed = sign == '-' || (sign == '+' && end == Kind.BLOCK_END);
        int closing = signed ? at + 1 : at;
        if (source.startsWith(close, closing)) {
          add(end, close, at);
          at = closing + 2;
          afterTag(signed ? sign : '\0', end == Kind.BLOCK_END);
          return;
        }
      }
      expressionToken();
    }
  }

  private void expressionToken() {
    int start = at;
    char first = source.charAt(at);
    if (first == '\'' || first == '"') {
      string(first);
    } else if (first >= '0' && first <= '9') {
      number();
    } else if (Character.isUnicodeIdentifierStart(source.codePointAt(at)) || first == '_') {
      while (at < source.length()
          && (Character.isUnicodeIdentifierPart(source.codePointAt(at))
              && !Character.isIdentifierIgnorable(source.codePointAt(at)))) {
        at += Character.charCount(source.codePointAt(at));
      }
      add(Kind.NAME, source.substring(start, at), start);
    } else {
      operator();
    }
  }

  private void string(char quote) {
    int start = at;
    int end = at + 1;
    while (charAt(end) != quote || end >= source.length()) {
      if (end >= source.length()) {
        throw Failure.syntax("a string is not closed", start);
      }
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    add(Kind.STRING, StringEscapes.decode(source.substring(start + 1, end), start), start);
    at = end + 1;
  }

  private void number() {
    Matcher number = NUMBER.matcher(source).region(at, source.length());
    if (!number.lookingAt()) {
      throw Failure.syntax("not a number", at);
    }
    int start = at;
    String text = number.group().replace("_", "");
    boolean real = number.group(7) != null || number.group(9) != null;
    // After a dot, "0.1" is two item numbers, as in a.0.1.
    boolean item = !tokens.isEmpty() && tokens.getLast().isOperator(".");
    if (real && item) {
      text = number.group(5).replace("_", "");
      real = false;
      at += number.group(5).length();
    } else {
      at = number.end();
    }
    if (!real && text.length() > 1 && text.matches("0[0-9]*[1-9][0-9]*")) {
      throw Failure.syntax("a decimal number must not start with 0", start);
    }
    add(real ? Kind.FLOAT : Kind.INTEGER, text, start);
  }

  private void operator() {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        switch (operator) {
          case "(", "[", "{" -> brackets.push(operator.charAt(0));
          case ")" -> close('(');
          case "]" -> close('[');
          case "}" -> close('{');
          default -> {}
        }
        add(Kind.OPERATOR, operator, at);
        at += operator.length();
        return;
      }
    }
    throw Failure.syntax(
        "unexpected character "
            + PythonText.quoted(source.substring(at, source.offsetByCodePoints(at, 1))),
        at);
  }

  private void close(char expected) {
    if (brackets.isEmpty() || brackets.pop() != expected) {
      throw Failure.syntax("unexpected '" + source.charAt(at) + "'", at);
    }
  }

  private void add(Kind kind, String text, int position) {
    tokens.add(new Token(kind, text, position));
  }
}
