package io.github.vlm4j.text.template;

import io.github.vlm4j.text.template.Value.Sequence;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's {@code split}, {@code rsplit} and {@code splitlines}. */
final class TextSplitter {

  private TextSplitter() {}

  static Sequence split(Text text, @Nullable Text separator, long maxSplit, Budget budget) {
    long splits = maxSplit < 0 ? Long.MAX_VALUE : maxSplit;
    return Sequence.list(
        separator == null
            ? bySpace(text, splits, budget)
            : bySeparator(text, separator, splits, budget));
  }

  private static List<Value> bySeparator(Text text, Text pattern, long splits, Budget budget) {
    budget.search(text, pattern);
    String separator = nonEmpty(pattern);
    List<Value> parts = new ArrayList<>();
    int start = 0;
    int found;
    while (parts.size() < splits && (found = text.value().indexOf(separator, start)) >= 0) {
      budget.elements(1);
      parts.add(text.slice(start, found));
      start = found + separator.length();
    }
    parts.add(text.slice(start, text.length()));
    return parts;
  }

  private static List<Value> bySpace(Text text, long splits, Budget budget) {
    List<Value> parts = new ArrayList<>();
    String value = text.value();
    int at = skipSpace(value, 0);
    while (at < value.length()) {
      budget.elements(1);
      if (parts.size() >= splits) {
        parts.add(StringMethods.strip(text.slice(at, value.length()), null, false, true));
        break;
      }
      int end = at;
      while (end < value.length() && !PythonText.isSpace(value.charAt(end))) {
        end++;
      }
      parts.add(text.slice(at, end));
      at = skipSpace(value, end);
    }
    return parts;
  }

  private static int skipSpace(String value, int start) {
    int at = start;
    while (at < value.length() && PythonText.isSpace(value.charAt(at))) {
      at++;
    }
    return at;
  }

  static Sequence splitFromEnd(Text text, @Nullable Text separator, long maxSplit, Budget budget) {
    if (maxSplit < 0) {
      return split(text, separator, maxSplit, budget);
    }
    if (separator == null) {
      throw Failure.type("rsplit() with a limit needs a separator");
    }
    budget.search(text, separator);
    String pattern = nonEmpty(separator);
    List<Value> parts = new ArrayList<>();
    int end = text.length();
    while (parts.size() < maxSplit) {
      int found =
          end < pattern.length() ? -1 : text.value().lastIndexOf(pattern, end - pattern.length());
      if (found < 0) {
        break;
      }
      budget.elements(1);
      parts.add(text.slice(found + pattern.length(), end));
      end = found;
    }
    parts.add(text.slice(0, end));
    Collections.reverse(parts);
    return Sequence.list(parts);
  }

  private static String nonEmpty(Text separator) {
    if (separator.isEmpty()) {
      throw Failure.type("empty separator");
    }
    return separator.value();
  }

  static Sequence lines(Text text, boolean keepEnds, Budget budget) {
    List<Value> lines = new ArrayList<>();
    String value = text.value();
    int start = 0;
    for (int at = 0; at < value.length(); at++) {
      if (isLineEnd(value.charAt(at))) {
        int end = at;
        if (value.charAt(at) == '\r' && at + 1 < value.length() && value.charAt(at + 1) == '\n') {
          at++;
        }
        budget.elements(1);
        lines.add(text.slice(start, keepEnds ? at + 1 : end));
        start = at + 1;
      }
    }
    if (start < value.length()) {
      lines.add(text.slice(start, value.length()));
    }
    return Sequence.list(lines);
  }

  private static boolean isLineEnd(char c) {
    return switch (c) {
      case '\n', '\r', '\u000b', '\f', '\u001c', '\u001d', '\u001e', '\u0085', '\u2028', '\u2029' ->
          true;
      default -> false;
    };
  }
}
