package io.github.vlm4j.core.checkpoint;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads a GGUF header from its beginning on, and never past its end. */
final class GgufCursor {

  /** No text of a model comes near it; chat templates are the longest. */
  static final int MAX_STRING_BYTES = 8 << 20;

  /** Bytes that are looked at as an array. */
  private static final int WINDOW = 1 << 16;

  /** Characters that are decoded at a time, so that decoding is soon compiled. */
  private static final int DECODED = 512;

  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String file;
  private final MemorySegment bytes;
  private final long end;
  private long position;

  /**
   * Starts at the first byte.
   *
   * @param file the name for error messages
   * @param bytes the whole file
   * @param maxBytes how many of them may be read
   */
  GgufCursor(String file, MemorySegment bytes, long maxBytes) {
    this.file = file;
    this.bytes = bytes;
    this.end = Math.min(bytes.byteSize(), maxBytes);
  }

  long position() {
    return position;
  }

  /** Returns how many bytes may still be read. */
  long remaining() {
    return end - position;
  }

  int uint8(String what) {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1, what)) & 0xff;
  }

  int uint16(String what) {
    return bytes.get(Tensor.BITS16, advance(2, what)) & 0xffff;
  }

  int int32(String what) {
    return bytes.get(Tensor.I32, advance(4, what));
  }

  long uint32(String what) {
    return Integer.toUnsignedLong(int32(what));
  }

  long int64(String what) {
    return bytes.get(Tensor.I64, advance(8, what));
  }

  float float32(String what) {
    return bytes.get(Tensor.F32, advance(4, what));
  }

  double float64(String what) {
    return bytes.get(F64, advance(8, what));
  }

  /** Reads a number of things of which each takes some bytes at least. */
  int count(String what, long bytesEach, int max) {
    long count = int64("the number of " + what);
    if (count < 0 || count > max) {
      throw broken(
          "claims %s %s, but at most %d are allowed; it is damaged or not a GGUF file"
              .formatted(Long.toUnsignedString(count), what, max));
    }
    if (count * bytesEach > remaining()) {
      throw broken(
          "claims %d %s, but only %d bytes of header can follow; it is truncated or damaged"
              .formatted(count, what, remaining()));
    }
    return (int) count;
  }

  /** Reads a text by its length. */
  String string(String what, int maxBytes) {
    long length = length(what, maxBytes);
    byte[] text = new byte[(int) Math.min(length, Math.max(remaining(), 0))];
    long from = advance(length, what);
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, from, text, 0, text.length);
    String decoded = new String(text, StandardCharsets.UTF_8);
    // What replaces malformed bytes may also stand in the text itself.
    if (decoded.indexOf('\uFFFD') >= 0) {
      requireUtf8(text, what);
    }
    return decoded;
  }

  private long length(String what, int maxBytes) {
    if (remaining() < Long.BYTES) {
      throw ended("the length of " + what);
    }
    long length = int64(what);
    if (length < 0 || length > maxBytes) {
      throw broken(
          "claims %s of %s bytes, but at most %d are allowed"
              .formatted(what, Long.toUnsignedString(length), maxBytes));
    }
    return length;
  }

  /**
   * Reads several texts, each by its length. A vocabulary has some hundred thousand, which are read
   * before this code is compiled: so it looks at arrays, which take a tenth of the time of segments
   * then.
   *
   * @param what one of them is
   */
  Utf8Texts texts(int count, String what, int maxBytes) {
    byte[] utf8 = new byte[Math.toIntExact(Math.min(remaining(), 16L * count))];
    int[] ends = new int[count];
    int end = 0;
    byte[] window = new byte[0];
    int at = 0;
    for (int i = 0; i < count; i++) {
      if (window.length - at < Long.BYTES) {
        window = window(WINDOW);
        at = 0;
      }
      int length = length(window, at, what, maxBytes);
      at += Long.BYTES;
      position += Long.BYTES;
      if (length > window.length - at) {
        if (length > remaining()) {
          throw ended(what);
        }
        window = window(Math.max(length, WINDOW));
        at = 0;
      }
      if (length > utf8.length - end) {
        utf8 = Arrays.copyOf(utf8, 2 * (end + length));
      }
      System.arraycopy(window, at, utf8, end, length);
      at += length;
      position += length;
      end += length;
      ends[i] = end;
    }
    byte[] joined = Arrays.copyOf(utf8, end);
    requireUtf8(joined, what);
    requireBeginnings(joined, ends, what);
    return new Utf8Texts(joined, ends);
  }

  /** Returns the bytes that come next, as many as there are of those asked for. */
  private byte[] window(int most) {
    byte[] window = new byte[(int) Math.min(most, Math.max(remaining(), 0))];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, window, 0, window.length);
    return window;
  }

  /** Reads a length that lies in a window whose rest begins here. */
  private int length(byte[] window, int at, String what, int maxBytes) {
    if (window.length - at < Long.BYTES) {
      throw ended("the length of " + what);
    }
    boolean large = false;
    for (int i = Integer.BYTES; i < Long.BYTES; i++) {
      large |= window[at + i] != 0;
    }
    int length =
        window[at] & 0xff
            | (window[at + 1] & 0xff) << 8
            | (window[at + 2] & 0xff) << 16
            | window[at + 3] << 24;
    // What is too large is read again, for its number.
    return large || length < 0 || length > maxBytes ? (int) length(what, maxBytes) : length;
  }

  /** Reads several whole numbers of 32 bits. */
  int[] int32s(int count, String what) {
    int[] numbers = new int[count];
    MemorySegment.copy(
        bytes, Tensor.I32, advance((long) Integer.BYTES * count, what), numbers, 0, count);
    return numbers;
  }

  /** Of valid text, the parts are valid if none begins within a character. */
  private void requireBeginnings(byte[] utf8, int[] ends, String what) {
    for (int end : ends) {
      if (end < utf8.length && (utf8[end] & 0xc0) == 0x80) {
        throw new CheckpointException(file + ": " + what + " is not valid UTF-8");
      }
    }
  }

  private void requireUtf8(byte[] text, String what) {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer encoded = ByteBuffer.wrap(text);
    CharBuffer decoded = CharBuffer.allocate(DECODED);
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      result = decoder.decode(encoded, decoded.clear(), true);
    }
    if (result.isError()) {
      throw new CheckpointException(file + ": " + what + " is not valid UTF-8");
    }
  }

  private long advance(long count, String what) {
    if (count > remaining()) {
      throw ended(what);
    }
    long from = position;
    position += count;
    return from;
  }

  private CheckpointException ended(String what) {
    return broken(
        "ends at byte %d of its header, within %s; it is truncated or damaged"
            .formatted(end, what));
  }

  CheckpointException broken(String problem) {
    return new CheckpointException(file + " " + problem);
  }
}
