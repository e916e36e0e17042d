package io.github.vlm4j.text.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The printable stand-ins of the 256 bytes by which byte-level vocabularies are written (GPT-2):
 * printable Latin-1 stands for itself, the other bytes are the characters from U+0100 on.
 */
public final class ByteAlphabet {

  private static final char[] CHARACTERS = characters();

  /** The byte of each character, -1 for those that stand for none. */
  private static final short[] BYTES = bytes();

  private ByteAlphabet() {}

  private static char[] characters() {
    char[] characters = new char[256];
    char next = 0x100;
    for (char b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      characters[b] = printable ? b : next++;
    }
    return characters;
  }

  private static short[] bytes() {
    short[] bytes = new short[0x200];
    Arrays.fill(bytes, (short) -1);
    for (short b = 0; b < 256; b++) {
      bytes[CHARACTERS[b]] = b;
    }
    return bytes;
  }

  /** Returns the stand-in of a byte. */
  public static char of(byte value) {
    return CHARACTERS[value & 0xff];
  }

  /**
   * Writes the bytes that a token stands for: those of its characters, or those of its own spelling
   * if one of them stands for no byte, as in tokens that a vocabulary was given besides.
   */
  static void write(String token, ByteArrayOutputStream bytes) {
    if (token.chars().allMatch(ByteAlphabet::isCharacter)) {
      token.chars().forEach(character -> bytes.write(BYTES[character]));
    } else {
      bytes.writeBytes(token.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static boolean isCharacter(int character) {
    return character < BYTES.length && BYTES[character] >= 0;
  }

  /** Returns the stand-ins of bytes, one after the other. */
  public static String of(byte[] values) {
    StringBuilder text = new StringBuilder(values.length);
    for (byte value : values) {
      text.append(of(value));
    }
    return text.toString();
  }
}
