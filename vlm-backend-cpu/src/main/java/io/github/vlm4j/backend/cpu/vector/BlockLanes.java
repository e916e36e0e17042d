package io.github.vlm4j.backend.cpu.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The bytes of quantised blocks as vectors. Each byte becomes a lane, so that both halves of bytes
 * come out in the order of the numbers, and inputs need no rearranging.
 */
final class BlockLanes {

  private static final VectorSpecies<Integer> I = Lanes.I32;
  private static final int L = Lanes.COUNT;
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
  private static final IntVector TO_TOP =
      IntVector.broadcast(I, 24).sub(IntVector.broadcast(I, 0).addIndex(8));

  private BlockLanes() {}

  /** Returns as many signed bytes as there are lanes, as ints. */
  static IntVector signed(MemorySegment data, long at) {
    if (L == 4) {
      return four(data, at).lanewise(VectorOperators.ASHR, 24);
    }
    return (IntVector) bytes(data, at).convertShape(VectorOperators.B2I, I, 0);
  }

  /** Returns as many unsigned bytes as there are lanes, as ints. */
  static IntVector unsigned(MemorySegment data, long at) {
    if (L == 4) {
      return four(data, at).lanewise(VectorOperators.LSHR, 24);
    }
    return (IntVector) bytes(data, at).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
  }

  private static ByteVector bytes(MemorySegment data, long at) {
    return L == 16
        ? ByteVector.fromMemorySegment(ByteVector.SPECIES_128, data, at, ORDER)
        : ByteVector.fromMemorySegment(ByteVector.SPECIES_64, data, at, ORDER);
  }

  /** Four bytes are no vector, but an int: each lane has one of them in its upper bits. */
  private static IntVector four(MemorySegment data, long at) {
    return IntVector.broadcast(I, data.get(INT, at)).lanewise(VectorOperators.LSHL, TO_TOP);
  }

  /** Returns the lower halves of bytes. */
  static FloatVector low(IntVector bytes) {
    return floats(bytes.and(15));
  }

  /** Returns the upper halves of bytes. */
  static FloatVector high(IntVector bytes) {
    return floats(bytes.lanewise(VectorOperators.LSHR, 4));
  }

  /** Converts ints. */
  static FloatVector floats(IntVector ints) {
    return (FloatVector) ints.convertShape(VectorOperators.I2F, Lanes.F32, 0);
  }

  /** Returns the f16 at a byte offset. */
  static float half(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(SHORT, at));
  }

  /** Returns the eight bytes at an offset. */
  static long words(MemorySegment data, long at) {
    return data.get(LONG, at);
  }

  /**
   * Returns the scales of a Q4_K block, a byte each: of the first four groups in six bits, of the
   * others in four and two.
   *
   * @param first the block's first eight bytes
   * @param last the next eight
   */
  static long scales(long first, long last) {
    long upper = last >>> 32 & 0x0f0f0f0fL | first >>> 34 & 0x30303030L;
    return first >>> 32 & 0x3f3f3f3fL | upper << 32;
  }

  /** Returns the minima of a Q4_K block likewise. */
  static long minima(long first, long last) {
    long upper = last >>> 36 & 0x0f0f0f0fL | last >>> 2 & 0x30303030L;
    return last & 0x3f3f3f3fL | upper << 32;
  }

  /**
   * Returns numbers q − 32 of a quarter of half a Q6_K block.
   *
   * @param nibbles where their lower four bits are
   * @param pairs where their upper two bits are
   * @param quarter 0 to 3, which of the bits there are theirs
   */
  static IntVector six(MemorySegment data, long nibbles, long pairs, int quarter) {
    IntVector lower = unsigned(data, nibbles).lanewise(VectorOperators.LSHR, quarter / 2 * 4);
    IntVector upper = unsigned(data, pairs).lanewise(VectorOperators.LSHR, quarter * 2).and(3);
    return lower.and(15).or(upper.lanewise(VectorOperators.LSHL, 4)).sub(32);
  }
}
