package io.github.vlm4j.vision.image;

/** The arithmetic decoder of VP8 (RFC 6386, section 7). */
final class Vp8BoolReader {

  private static final int EVEN = 128;

  /**
   * An encoder may leave out trailing zeros; reading further beyond the end than this is damage.
   */
  private static final int TOLERATED_BITS = 64;

  private final byte[] data;
  private final int end;
  private int position;
  private int range = 255;
  private long window;

  /** Bits of {@code window} below the eight that are compared with the split. */
  private int spare = -8;

  private int bitsBeyondEnd;

  Vp8BoolReader(Bytes partition) {
    this.data = partition.array();
    this.position = partition.start();
    this.end = partition.start() + partition.length();
  }

  /** One bit that is 0 with a probability of {@code probability / 256}. */
  int bit(int probability) {
    if (spare < 0) {
      fill();
    }
    int split = 1 + (((range - 1) * probability) >> 8);
    long threshold = (long) split << spare;
    int bit;
    if (window >= threshold) {
      window -= threshold;
      range -= split;
      bit = 1;
    } else {
      range = split;
      bit = 0;
    }
    int shift = Integer.numberOfLeadingZeros(range) - 24;
    range <<= shift;
    spare -= shift;
    return bit;
  }

  boolean flag() {
    return bit(EVEN) != 0;
  }

  /** An unsigned number, the highest bit first. */
  int literal(int bits) {
    int value = 0;
    for (int i = 0; i < bits; i++) {
      value = (value << 1) | bit(EVEN);
    }
    return value;
  }

  /** A number with a sign bit after it. */
  int signed(int bits) {
    int magnitude = literal(bits);
    return flag() ? -magnitude : magnitude;
  }

  /** A flag, and if it is set a number with a sign bit; otherwise 0. */
  int optional(int bits) {
    return flag() ? signed(bits) : 0;
  }

  void requireData() {
    if (bitsBeyondEnd - spare > TOLERATED_BITS) {
      throw new UnreadableImageException("its WebP data ends early");
    }
  }

  private void fill() {
    while (spare < 32) {
      int next = 0;
      if (position < end) {
        next = data[position++] & 0xff;
      } else {
        bitsBeyondEnd += 8;
      }
      window = (window << 8) | next;
      spare += 8;
    }
  }
}
