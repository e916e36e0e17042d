package io.github.vlm4j.core.checkpoint;

import java.util.List;

/** A value of a GGUF file's metadata, with the type that the file gives it. */
public sealed interface GgufValue {

  /**
   * The types of whole numbers. An unsigned number of 64 bits must be below 2^63, which every size
   * and count is.
   */
  enum WholeType {
    /** Unsigned, 8 bits. */
    UINT8(0, 1, 0, 0xff),
    /** Signed, 8 bits. */
    INT8(1, 1, Byte.MIN_VALUE, Byte.MAX_VALUE),
    /** Unsigned, 16 bits. */
    UINT16(2, 2, 0, 0xffff),
    /** Signed, 16 bits. */
    INT16(3, 2, Short.MIN_VALUE, Short.MAX_VALUE),
    /** Unsigned, 32 bits. */
    UINT32(4, 4, 0, 0xffff_ffffL),
    /** Signed, 32 bits. */
    INT32(5, 4, Integer.MIN_VALUE, Integer.MAX_VALUE),
    /** Unsigned, 64 bits. */
    UINT64(10, 8, 0, Long.MAX_VALUE),
    /** Signed, 64 bits. */
    INT64(11, 8, Long.MIN_VALUE, Long.MAX_VALUE);

    private final int number;
    private final int bytes;
    private final long min;
    private final long max;

    WholeType(int number, int bytes, long min, long max) {
      this.number = number;
      this.bytes = bytes;
      this.min = min;
      this.max = max;
    }

    int number() {
      return number;
    }

    int bytes() {
      return bytes;
    }

    private void require(long value) {
      if (value < min || value > max) {
        throw new IllegalArgumentException(value + " is not of the type " + this);
      }
    }
  }

  /** The types of numbers with a fraction. */
  enum RealType {
    /** 32 bits. */
    FLOAT32(6, 4),
    /** 64 bits. */
    FLOAT64(12, 8);

    private final int number;
    private final int bytes;

    RealType(int number, int bytes) {
      this.number = number;
      this.bytes = bytes;
    }

    int number() {
      return number;
    }

    int bytes() {
      return bytes;
    }
  }

  /**
   * A whole number.
   *
   * @param type its type in the file
   * @param value the number, within the type's range
   */
  record Whole(WholeType type, long value) implements GgufValue {

    /** Checks the range. */
    public Whole {
      type.require(value);
    }
  }

  /**
   * A number with a fraction.
   *
   * @param type its type in the file
   * @param value the number
   */
  record Real(RealType type, double value) implements GgufValue {}

  /**
   * A truth value.
   *
   * @param value true or false
   */
  record Flag(boolean value) implements GgufValue {}

  /**
   * A text.
   *
   * @param value the text
   */
  record Text(String value) implements GgufValue {}

  /**
   * A list of whole numbers.
   *
   * @param type their type in the file
   * @param values the numbers, within the type's range
   */
  record Wholes(WholeType type, long[] values) implements GgufValue {

    /** Checks the range. */
    public Wholes {
      for (long value : values) {
        type.require(value);
      }
    }
  }

  /**
   * A list of numbers with a fraction.
   *
   * @param type their type in the file
   * @param values the numbers
   */
  record Reals(RealType type, double[] values) implements GgufValue {}

  /**
   * A list of truth values.
   *
   * @param values true or false
   */
  record Flags(List<Boolean> values) implements GgufValue {

    /** Keeps an immutable copy. */
    public Flags {
      values = List.copyOf(values);
    }
  }

  /**
   * A list of texts.
   *
   * @param values the texts
   */
  record Texts(List<String> values) implements GgufValue {

    /** Keeps an immutable copy. */
    public Texts {
      values = values instanceof Utf8Texts ? values : List.copyOf(values);
    }
  }

  /** Returns an unsigned number of 32 bits, the type of most sizes and token ids. */
  static GgufValue uint32(long value) {
    return new Whole(WholeType.UINT32, value);
  }

  /** Returns a number of 32 bits with a fraction, the type of most others. */
  static GgufValue float32(double value) {
    return new Real(RealType.FLOAT32, value);
  }
}
