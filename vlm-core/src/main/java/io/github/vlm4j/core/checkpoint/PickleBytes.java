package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The arguments of opcodes, read from bytes of which every length is checked before it is used. */
final class PickleBytes {

  private static final int MAX_STRING_BYTES = 8 << 20;
  private static final int MAX_LINE_BYTES = 1024;

  private final String file;
  private final ByteBuffer bytes;

  /**
   * Creates a reader.
   *
   * @param file what the bytes are called in error messages
   */
  PickleBytes(String file, byte[] bytes) {
    this.file = file;
    this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  int position() {
    return bytes.position();
  }

  int remaining() {
    return bytes.remaining();
  }

  int u8() {
    return Byte.toUnsignedInt(need(1).get());
  }

  int u16() {
    return Short.toUnsignedInt(need(2).getShort());
  }

  int i32() {
    return need(4).getInt();
  }

  long u32() {
    return Integer.toUnsignedLong(i32());
  }

  /** Returns 64 bits, negative if they say more than a long holds. */
  long i64() {
    return need(8).getLong();
  }

  double bigEndianDouble() {
    return Double.longBitsToDouble(Long.reverseBytes(i64()));
  }

  /** Returns a string of a stated length. */
  String text(long length, Charset charset) {
    if (length < 0 || length > MAX_STRING_BYTES) {
      throw refused(
          "claims a string of "
              + Long.toUnsignedString(length)
              + " bytes, but at most "
              + MAX_STRING_BYTES
              + " are read");
    }
    return decode((int) length, charset);
  }

  /** Returns a line of text without the line feed that ends it. */
  String line() {
    int length = 0;
    while (length < bytes.remaining() && bytes.get(bytes.position() + length) != '\n') {
      if (++length > MAX_LINE_BYTES) {
        throw refused("has a name of more than " + MAX_LINE_BYTES + " bytes");
      }
    }
    String line = decode(length, StandardCharsets.UTF_8);
    skip(1);
    return line;
  }

  /**
   * Returns a little-endian two's complement integer of a stated length, or null if it takes more
   * than 64 bits.
   */
  @Nullable Long integer(long length) {
    if (length > Long.BYTES || length < 0) {
      skip(length);
      return null;
    }
    need(length);
    long value = 0;
    for (int i = 0; i < length; i++) {
      value |= (long) Byte.toUnsignedInt(bytes.get()) << (8 * i);
    }
    int unused = (int) (Long.SIZE - 8 * length);
    return length == 0 ? Long.valueOf(0) : Long.valueOf(value << unused >> unused);
  }

  /** Passes over bytes. */
  void skip(long length) {
    need(length);
    bytes.position(bytes.position() + (int) length);
  }

  /** Refuses to go on if fewer bytes are left. */
  ByteBuffer need(long length) {
    if (length < 0 || length > bytes.remaining()) {
      throw refused(
          "needs "
              + Long.toUnsignedString(length)
              + " more bytes, but "
              + bytes.remaining()
              + " are left; it is damaged or truncated");
    }
    return bytes;
  }

  /** Returns an error about what stands before the current byte. */
  CheckpointException refused(String problem) {
    return new CheckpointException(file + " " + problem + " (at byte " + bytes.position() + ")");
  }

  private String decode(int length, Charset charset) {
    need(length);
    ByteBuffer range = bytes.slice(bytes.position(), length);
    try {
      String text =
          charset
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(range)
              .toString();
      bytes.position(bytes.position() + length);
      return text;
    } catch (CharacterCodingException e) {
      throw refused("has a string that is not valid " + charset);
    }
  }
}
