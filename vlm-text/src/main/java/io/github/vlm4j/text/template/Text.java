package io.github.vlm4j.text.template;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/**
 * A string that remembers which of its characters came from outside the template. Every operation
 * of the engine builds its result from slices, so that provenance is never lost.
 *
 * <p>Equality, order and hash look at the characters alone.
 */
final class Text implements Value, Comparable<Text> {

  static final Text EMPTY = new Text("", new int[0]);

  private final String value;

  /** Sorted, disjoint, non-touching ranges [start, end) of untrusted UTF-16 units, flattened. */
  private final int[] untrusted;

  private Text(String value, int[] untrusted) {
    this.value = value;
    this.untrusted = untrusted;
  }

  static Text trusted(String value) {
    return new Text(value, EMPTY_RANGES);
  }

  static Text untrusted(String value) {
    return value.isEmpty() ? EMPTY : new Text(value, new int[] {0, value.length()});
  }

  static Text of(RenderedPrompt prompt) {
    int[] untrusted =
        prompt.spans().stream()
            .filter(span -> !span.trusted())
            .flatMapToInt(span -> IntStream.of(span.start(), span.end()))
            .toArray();
    return new Text(prompt.text(), untrusted);
  }

  private static final int[] EMPTY_RANGES = new int[0];

  String value() {
    return value;
  }

  int length() {
    return value.length();
  }

  boolean isEmpty() {
    return value.isEmpty();
  }

  boolean isTrusted() {
    return untrusted.length == 0;
  }

  /** The untrusted ranges [start, end), flattened. */
  int[] untrustedRanges() {
    return untrusted.clone();
  }

  /** Number of code points, which is what Python calls the length. */
  int codePoints() {
    return value.codePointCount(0, value.length());
  }

  /** UTF-16 offset of a code point index. */
  int offset(int codePoint) {
    return value.offsetByCodePoints(0, codePoint);
  }

  /** The part from {@code start} to {@code end}, in UTF-16 units. */
  Text slice(int start, int end) {
    if (start == 0 && end == value.length()) {
      return this;
    }
    if (start >= end) {
      return EMPTY;
    }
    String part = value.substring(start, end);
    if (untrusted.length == 0) {
      return new Text(part, EMPTY_RANGES);
    }
    Builder builder = new Builder();
    builder.append(this, start, end);
    return builder.build();
  }

  /** Applies a mapping of characters to each run of one provenance. */
  Text map(UnaryOperator<String> mapping) {
    if (untrusted.length == 0) {
      return trusted(mapping.apply(value));
    }
    Builder builder = new Builder();
    int at = 0;
    for (int i = 0; i < untrusted.length; i += 2) {
      builder.append(trusted(mapping.apply(value.substring(at, untrusted[i]))));
      builder.append(untrusted(mapping.apply(value.substring(untrusted[i], untrusted[i + 1]))));
      at = untrusted[i + 1];
    }
    builder.append(trusted(mapping.apply(value.substring(at))));
    return builder.build();
  }

  /** First untrusted range that ends after the offset, as an index into {@link #untrusted}. */
  private int firstRangeEndingAfter(int offset) {
    int low = 0;
    int high = untrusted.length / 2;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (untrusted[2 * middle + 1] > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return 2 * low;
  }

  @Override
  public int compareTo(Text other) {
    int length = Math.min(value.length(), other.value.length());
    int at = 0;
    while (at < length && value.charAt(at) == other.value.charAt(at)) {
      at++;
    }
    if (at == length) {
      return Integer.compare(value.length(), other.value.length());
    }
    char mine = value.charAt(at);
    char theirs = other.value.charAt(at);
    // Python orders by code point: surrogates, which encode the highest ones, come last.
    if (Character.isSurrogate(mine) != Character.isSurrogate(theirs)) {
      return Character.isSurrogate(mine) ? 1 : -1;
    }
    return Character.compare(mine, theirs);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && text.value.equals(value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return value;
  }

  /** Collects text of mixed provenance. */
  static final class Builder {
    private final StringBuilder chars = new StringBuilder();
    private int[] ranges = new int[8];
    private int used;

    int length() {
      return chars.length();
    }

    Builder append(String trusted) {
      chars.append(trusted);
      return this;
    }

    Builder append(char trusted) {
      chars.append(trusted);
      return this;
    }

    Builder append(Text text) {
      return append(text, 0, text.length());
    }

    Builder append(Text text, int start, int end) {
      int shift = chars.length() - start;
      chars.append(text.value, start, end);
      int[] source = text.untrusted;
      for (int i = text.firstRangeEndingAfter(start);
          i < source.length && source[i] < end;
          i += 2) {
        mark(Math.max(source[i], start) + shift, Math.min(source[i + 1], end) + shift);
      }
      return this;
    }

    /** Appends characters that stand for untrusted ones, such as an escape sequence. */
    Builder appendUntrusted(String untrusted) {
      int start = chars.length();
      chars.append(untrusted);
      mark(start, chars.length());
      return this;
    }

    private void mark(int start, int end) {
      if (start >= end) {
        return;
      }
      if (used > 0 && ranges[used - 1] == start) {
        ranges[used - 1] = end;
        return;
      }
      if (used == ranges.length) {
        ranges = Arrays.copyOf(ranges, 2 * used);
      }
      ranges[used++] = start;
      ranges[used++] = end;
    }

    Text build() {
      return chars.isEmpty() ? EMPTY : new Text(chars.toString(), Arrays.copyOf(ranges, used));
    }
  }
}
