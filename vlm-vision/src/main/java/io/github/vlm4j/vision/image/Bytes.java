package io.github.vlm4j.vision.image;

import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A range of a file. Reading past its end throws {@link UnreadableImageException}, so that parsers
 * can follow the format without checking every offset themselves.
 */
final class Bytes {

  static final Bytes EMPTY = new Bytes(new byte[0], 0, 0);

  private final byte[] array;
  private final int start;
  private final int length;

  private Bytes(byte[] array, int start, int length) {
    this.array = array;
    this.start = start;
    this.length = length;
  }

  static Bytes of(byte[] array) {
    return new Bytes(array, 0, array.length);
  }

  /** The array the range lies in, itself. */
  byte[] array() {
    return array;
  }

  /** Where in the array the range begins. */
  int start() {
    return start;
  }

  int length() {
    return length;
  }

  int u8(long offset) {
    return array[at(offset, 1)] & 0xff;
  }

  int u16(long offset, ByteOrder order) {
    int i = at(offset, 2);
    int first = array[i] & 0xff;
    int second = array[i + 1] & 0xff;
    return order == ByteOrder.BIG_ENDIAN ? (first << 8) | second : (second << 8) | first;
  }

  int u24(long offset) {
    return u8(offset) | (u8(offset + 1) << 8) | (u8(offset + 2) << 16);
  }

  long u32(long offset, ByteOrder order) {
    long first = u16(offset, order);
    long second = u16(offset + 2, order);
    return order == ByteOrder.BIG_ENDIAN ? (first << 16) | second : (second << 16) | first;
  }

  boolean startsWith(long offset, String ascii) {
    if (offset < 0 || offset + ascii.length() > length) {
      return false;
    }
    for (int i = 0; i < ascii.length(); i++) {
      if (array[start + (int) offset + i] != (byte) ascii.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  String ascii(long offset, int count) {
    return new String(array, at(offset, count), count, StandardCharsets.ISO_8859_1);
  }

  Bytes slice(long offset, long count) {
    return new Bytes(array, at(offset, count), (int) count);
  }

  byte[] toArray() {
    return Arrays.copyOfRange(array, start, start + length);
  }

  private int at(long offset, long count) {
    if (offset < 0 || count < 0 || offset > length - count) {
      throw new UnreadableImageException(
          "it ends at byte %d where byte %d is needed".formatted(length, offset + count));
    }
    return start + (int) offset;
  }
}
