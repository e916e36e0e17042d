package io.github.vlm4j.core.tensor;

/**
 * The element types of tensors.
 *
 * <p>Plain types store one element per block. Block-quantised types store a block of elements with
 * shared scales, bit for bit as ggml's {@code ggml-common.h} lays them out; a row of such a tensor
 * is a whole number of blocks.
 */
public enum DType {
  /** IEEE 754 binary32. */
  F32(1, 4),
  /** IEEE 754 binary16. */
  F16(1, 2),
  /** bfloat16: the upper half of a binary32. */
  BF16(1, 2),
  /** Signed 8-bit integer. */
  I8(1, 1),
  /** Signed 32-bit integer. */
  I32(1, 4),
  /** Signed 64-bit integer. */
  I64(1, 8),
  /** 32 signed bytes and one f16 scale. */
  Q8_0(32, 34),
  /** 32 four-bit values and one f16 scale. */
  Q4_0(32, 18),
  /** 256 four-bit values with 6-bit scales and minima per 32, and two f16 super-scales. */
  Q4_K(256, 144),
  /** 256 six-bit values with 8-bit scales per 16 and one f16 super-scale. */
  Q6_K(256, 210);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Returns the number of elements that are stored together. */
  public int blockElements() {
    return blockElements;
  }

  /** Returns the bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Returns whether elements are stored in blocks with shared scales. */
  public boolean isQuantised() {
    return blockElements > 1;
  }

  /** Returns whether an element is a single floating-point number: f32, f16 or bf16. */
  public boolean isFloat() {
    return this == F32 || this == F16 || this == BF16;
  }

  /**
   * Returns the bytes that a run of elements takes.
   *
   * @param elements the number of elements, a whole number of blocks
   * @throws IllegalArgumentException if {@code elements} is negative or not a whole number of
   *     blocks
   * @throws ArithmeticException if the size overflows a {@code long}
   */
  public long bytes(long elements) {
    if (elements < 0 || elements % blockElements != 0) {
      throw new IllegalArgumentException(
          elements + " elements are not a whole number of " + this + " blocks of " + blockElements);
    }
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }
}
