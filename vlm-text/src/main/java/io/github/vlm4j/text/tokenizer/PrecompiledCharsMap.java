package io.github.vlm4j.text.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.Optional;

/**
 * SentencePiece's compiled normalisation rules: the length of a double-array trie in bytes, the
 * trie (32-bit units, darts-clone), and the replacements, UTF-8 with a zero byte after each
 * (`sentencepiece/src/normalizer.cc`). The native library follows the trie without looking where it
 * leads, so every step it could take is tried here first.
 */
final class PrecompiledCharsMap {

  private static final int MAX_UNITS = 1 << 22;

  private final IntBuffer units;
  private final byte[] replacements;

  private PrecompiledCharsMap(IntBuffer units, byte[] replacements) {
    this.units = units;
    this.replacements = replacements;
  }

  /** What is wrong with the rules, or empty if no text can lead the native library astray. */
  static Optional<String> problem(byte[] compiled) {
    ByteBuffer bytes = ByteBuffer.wrap(compiled).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.remaining() < Integer.BYTES) {
      return Optional.of("is shorter than its header");
    }
    int trieBytes = bytes.getInt();
    if (trieBytes < Integer.BYTES
        || trieBytes % Integer.BYTES != 0
        || trieBytes > bytes.remaining()
        || trieBytes / Integer.BYTES > MAX_UNITS) {
      return Optional.of("has no trie of %,d bytes".formatted(trieBytes & 0xffffffffL));
    }
    IntBuffer units = bytes.slice(bytes.position(), trieBytes).order(bytes.order()).asIntBuffer();
    byte[] replacements = new byte[bytes.remaining() - trieBytes];
    bytes.get(bytes.position() + trieBytes, replacements);
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
    } catch (CharacterCodingException _) {
      return Optional.of("has replacements that are not UTF-8");
    }
    return new PrecompiledCharsMap(units, replacements).walk()
        ? Optional.empty()
        : Optional.of("has a trie that leads out of itself");
  }

  /** Visits every position that some text leads to; false if one lies outside. */
  private boolean walk() {
    BitSet seen = new BitSet();
    Deque<Integer> open = new ArrayDeque<>();
    open.add(offset(units.get(0)));
    while (!open.isEmpty()) {
      int base = open.remove();
      if (seen.get(base)) {
        continue;
      }
      seen.set(base);
      for (int character = 1; character < 256; character++) {
        int position = base ^ character;
        if (position >= units.limit()) {
          return false;
        }
        int unit = units.get(position);
        if (label(unit) != character) {
          continue;
        }
        int next = position ^ offset(unit);
        if (next >= units.limit() || (hasLeaf(unit) && !isReplacement(value(units.get(next))))) {
          return false;
        }
        open.add(next);
      }
    }
    return true;
  }

  private boolean isReplacement(int at) {
    return at <= replacements.length
        && (at == replacements.length || (replacements[at] & 0xc0) != 0x80);
  }

  private static boolean hasLeaf(int unit) {
    return (unit >> 8 & 1) == 1;
  }

  private static int value(int unit) {
    return unit & 0x7fffffff;
  }

  private static int label(int unit) {
    return unit & 0x800000ff;
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & 1 << 9) >> 6);
  }
}
