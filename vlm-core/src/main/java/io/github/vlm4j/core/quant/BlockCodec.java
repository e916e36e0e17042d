package io.github.vlm4j.core.quant;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Reads and writes blocks of one quantised type. Both directions agree bit for bit with ggml's
 * reference functions ({@code dequantize_row_*} and {@code quantize_row_*_ref} in {@code
 * ggml-quants.c}), so that files written here are those that llama.cpp would write and mean the
 * same to both.
 *
 * <p>Codecs have no state and may be used by several threads at once.
 */
public sealed interface BlockCodec
    permits EightBitBlocks, FourBitBlocks, FourBitSuperBlocks, SixBitSuperBlocks {

  /**
   * Returns the codec of a type.
   *
   * @throws IllegalArgumentException if the type is not block-quantised
   */
  static BlockCodec of(DType dtype) {
    return switch (dtype) {
      case Q8_0 -> EightBitBlocks.CODEC;
      case Q4_0 -> FourBitBlocks.CODEC;
      case Q4_K -> FourBitSuperBlocks.CODEC;
      case Q6_K -> SixBitSuperBlocks.CODEC;
      default -> throw new IllegalArgumentException(dtype + " is not stored in blocks");
    };
  }

  /**
   * Returns the elements of a tensor of floats or of blocks as a new f32 array.
   *
   * @throws ArithmeticException if there are more elements than an array holds
   */
  static float[] floats(Tensor tensor) {
    DType dtype = tensor.dtype();
    if (!dtype.isQuantised()) {
      return tensor.toFloats();
    }
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    of(dtype).decode(tensor.data(), 0, values.length / dtype.blockElements(), values, 0);
    return values;
  }

  /**
   * Decodes blocks.
   *
   * @param data holds the blocks, at any alignment
   * @param at the byte offset of the first
   * @param blocks how many
   * @param y receives f32 from {@code yAt} on
   */
  void decode(MemorySegment data, long at, int blocks, float[] y, int yAt);

  /**
   * Returns one number.
   *
   * @param data holds the blocks, at any alignment
   * @param at the byte offset of the block
   * @param index the number's place in the block
   */
  float decode(MemorySegment data, long at, int index);

  /**
   * Encodes numbers. What comes out for numbers that are not finite is left open.
   *
   * @param x the numbers, from {@code xAt} on
   * @param blocks how many blocks to write
   * @param data receives the blocks, at any alignment
   * @param at the byte offset of the first
   */
  void encode(float[] x, int xAt, int blocks, MemorySegment data, long at);
}
