package io.github.vlm4j.core.quant;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;

/**
 * Quantises the rows of a tensor, a part at a time so that memory is bounded, on all cores. What
 * comes out does not depend on their number.
 */
public final class RowQuantiser {

  /** The numbers that one thread takes at a time; a multiple of every block. */
  private static final int PIECE = 1 << 16;

  /** The numbers that {@link #encode} should be given at a time. */
  public static final int PART = 1 << 22;

  private final String name;
  private final Tensor source;
  private final DType to;

  /**
   * Creates a quantiser.
   *
   * @param name the tensor's, for errors
   * @param source f32, f16 or bf16; its rows are whole blocks
   * @param to a block-quantised type
   */
  public RowQuantiser(String name, Tensor source, DType to) {
    this.name = name;
    this.source = source;
    this.to = to;
  }

  /**
   * Quantises some numbers.
   *
   * @param from the first, a multiple of the block
   * @param count how many, a multiple of the block
   * @param blocks receives their blocks
   * @throws CheckpointException if a number is not finite
   */
  public void encode(long from, int count, MemorySegment blocks) {
    BlockCodec codec = BlockCodec.of(to);
    int size = to.blockElements();
    IntStream.range(0, Math.ceilDiv(count, PIECE))
        .parallel()
        .forEach(piece -> {
          int begin = piece * PIECE;
          int length = Math.min(PIECE, count - begin);
          float[] numbers = new float[length];
          for (int i = 0; i < length; i++) {
            numbers[i] = source.getFloat(from + begin + i);
            if (!Float.isFinite(numbers[i])) {
              throw new CheckpointException(
                  "Tensor "
                      + name
                      + " cannot be quantised: element "
                      + (from + begin + i)
                      + " is "
                      + numbers[i]
                      + ", but all must be finite; the checkpoint is damaged.");
            }
          }
          codec.encode(numbers, 0, length / size, blocks, to.bytes(begin));
        });
  }
}
