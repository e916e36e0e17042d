package io.github.vlm4j.text.tokenizer;

/**
 * The printable stand-ins of the 256 bytes by which byte-level vocabularies are written (GPT-2):
 * printable Latin-1 stands for itself, the other bytes are the characters from U+0100 on.
 */
public final class ByteAlphabet {

  private static final char[] CHARACTERS = characters();

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

  /** Returns the stand-in of a byte. */
  public static char of(byte value) {
    return CHARACTERS[value & 0xff];
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
