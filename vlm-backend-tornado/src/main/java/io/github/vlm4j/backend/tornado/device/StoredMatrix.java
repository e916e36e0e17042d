package io.github.vlm4j.backend.tornado.device;

/**
 * Where a parameter lies on the device and how its numbers are stored.
 *
 * @param format how
 * @param at the first number in the heap of its format
 * @param first f16 and bf16: where the powers of two of signs and exponents lie; blocks: where
 *     their scales lie; both in the heap of f32
 * @param second f16 and bf16: how many values a mantissa has; blocks: where their minima lie, or -1
 *     if there are none
 * @param third blocks: how many numbers share a scale
 */
record StoredMatrix(Format format, int at, int first, int second, int third) {

  /** How numbers are stored. */
  enum Format {
    FLOATS,
    HALVES,
    BLOCKS
  }

  /** Returns where the numbers from one on lie; for blocks, the first of one. */
  StoredMatrix from(long element) {
    int step = Math.toIntExact(element);
    return switch (format) {
      case FLOATS, HALVES -> new StoredMatrix(format, at + step, first, second, third);
      case BLOCKS ->
          new StoredMatrix(
              format,
              at + step,
              first + step / third,
              second < 0 ? second : second + step / third,
              third);
    };
  }
}
