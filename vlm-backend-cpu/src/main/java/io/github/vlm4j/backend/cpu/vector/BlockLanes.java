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

  /** Returns the int at a byte offset. */
  static int word(MemorySegment data, long at) {
    return data.get(INT, at);
  }

  /** Returns the scales of groups 0 to 3 of a Q4_K block, a byte each. */
  static int firstScales(MemorySegment data, long at) {
    return word(data, at + 4) & 0x3f3f3f3f;
  }

  /** Returns the scales of groups 4 to 7 of a Q4_K block, a byte each. */
  static int lastScales(MemorySegment data, long at) {
    return word(data, at + 12) & 0x0f0f0f0f | word(data, at + 4) >>> 2 & 0x30303030;
  }

  /** Returns the minima of groups 0 to 3 of a Q4_K block, a byte each. */
  static int firstMinima(MemorySegment data, long at) {
    return word(data, at + 8) & 0x3f3f3f3f;
  }

  /** Returns the minima of groups 4 to 7 of a Q4_K block, a byte each. */
  static int lastMinima(MemorySegment data, long at) {
    return word(data, at + 12) >>> 4 & 0x0f0f0f0f | word(data, at + 8) >>> 2 & 0x30303030;
  }

  /**
   * Returns the numbers q − 32 of a Q6_K block.
   *
   * @param lower bytes with their lower four bits, shifted to the right place
   * @param upper bytes with their upper two bits
   * @param shift how far these are to the left
   */
  static FloatVector six(IntVector lower, IntVector upper, int shift) {
    IntVector top = upper.lanewise(VectorOperators.LSHR, shift).and(3);
    return floats(lower.or(top.lanewise(VectorOperators.LSHL, 4)).sub(32));
  }
}
