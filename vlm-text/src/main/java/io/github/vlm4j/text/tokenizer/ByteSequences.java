package io.github.vlm4j.text.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The sequences of neighbouring bytes of a text, for finding out which tokens occur in it. */
final class ByteSequences {

  private static final int NONE = -1;

  private final byte[] text;

  /** The last place of each pair of bytes. */
  private final int[] last = new int[1 << 16];

  /** The place before with the same pair of bytes, for each place. */
  private final int[] before;

  private byte[] joined = new byte[64];

  /**
   * Takes a text.
   *
   * @param text in the spelling of the tokens
   */
  ByteSequences(String text) {
    this.text = text.getBytes(StandardCharsets.UTF_8);
    before = new int[this.text.length];
    Arrays.fill(last, NONE);
    for (int i = 0; i + 1 < this.text.length; i++) {
      int pair = pair(this.text, i);
      before[i] = last[pair];
      last[pair] = i;
    }
  }

  private static int pair(byte[] bytes, int at) {
    return (bytes[at] & 0xff) << 8 | bytes[at + 1] & 0xff;
  }

  /** Returns whether some bytes occur in the text; single bytes are taken to. */
  boolean contain(byte[] bytes, int from, int to) {
    int length = to - from;
    if (length < 2) {
      return true;
    }
    for (int at = last[pair(bytes, from)]; at != NONE; at = before[at]) {
      if (at + length <= text.length && equal(bytes, from, at, length)) {
        return true;
      }
    }
    return false;
  }

  private boolean equal(byte[] bytes, int from, int at, int length) {
    for (int i = 2; i < length; i++) {
      if (bytes[from + i] != text[at + i]) {
        return false;
      }
    }
    return true;
  }

  /** Returns whether two tokens, which blanks are written around, occur side by side. */
  boolean containPair(byte[] bytes, int from, int to) {
    // Most begin with a pair of bytes that does not occur.
    if (to - from > 2
        && bytes[from] != ' '
        && bytes[from + 1] != ' '
        && last[pair(bytes, from)] == NONE) {
      return false;
    }
    if (joined.length < to - from) {
      joined = new byte[to - from];
    }
    int length = 0;
    for (int i = from; i < to; i++) {
      if (bytes[i] != ' ') {
        joined[length++] = bytes[i];
      }
    }
    return contain(joined, 0, length);
  }
}
