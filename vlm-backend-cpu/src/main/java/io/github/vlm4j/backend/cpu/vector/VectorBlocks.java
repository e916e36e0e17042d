package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Decodes quantised blocks to f32, as {@link io.github.vlm4j.core.quant.BlockCodec} does. */
final class VectorBlocks {

  private static final int L = Lanes.COUNT;

  private VectorBlocks() {}

  /** Decodes blocks that begin at a byte offset. */
  static void decode(DType dtype, MemorySegment data, long at, int blocks, float[] y, int yAt) {
    switch (dtype) {
      case Q8_0 -> {
        for (int block = 0; block < blocks; block++) {
          eightBits(data, at + 34L * block, y, yAt + 32 * block);
        }
      }
      case Q4_0 -> {
        for (int block = 0; block < blocks; block++) {
          fourBits(data, at + 18L * block, y, yAt + 32 * block);
        }
      }
      case Q4_K -> {
        for (int block = 0; block < blocks; block++) {
          superFourBits(data, at + 144L * block, y, yAt + 256 * block);
        }
      }
      default -> {
        for (int block = 0; block < blocks; block++) {
          superSixBits(data, at + 210L * block, y, yAt + 256 * block);
        }
      }
    }
  }

  private static void eightBits(MemorySegment data, long at, float[] y, int yAt) {
    float d = BlockLanes.half(data, at);
    for (int i = 0; i < 32; i += L) {
      BlockLanes.floats(BlockLanes.signed(data, at + 2 + i)).mul(d).intoArray(y, yAt + i);
    }
  }

  private static void fourBits(MemorySegment data, long at, float[] y, int yAt) {
    float d = BlockLanes.half(data, at);
    for (int i = 0; i < 16; i += L) {
      IntVector bytes = BlockLanes.unsigned(data, at + 2 + i);
      BlockLanes.low(bytes).sub(8).mul(d).intoArray(y, yAt + i);
      BlockLanes.high(bytes).sub(8).mul(d).intoArray(y, yAt + 16 + i);
    }
  }

  private static void superFourBits(MemorySegment data, long at, float[] y, int yAt) {
    int scales = BlockLanes.firstScales(data, at);
    int minima = BlockLanes.firstMinima(data, at);
    twoPairs(data, at, scales, minima, at + 16, y, yAt);
    scales = BlockLanes.lastScales(data, at);
    minima = BlockLanes.lastMinima(data, at);
    twoPairs(data, at, scales, minima, at + 80, y, yAt + 128);
  }

  /** Decodes half a block, of four scales and minima. */
  private static void twoPairs(
      MemorySegment data, long at, int scales, int minima, long values, float[] y, int yAt) {
    float d = BlockLanes.half(data, at);
    float m = BlockLanes.half(data, at + 2);
    for (int pair = 0; pair < 2; pair++) {
      float lowScale = d * (scales >>> 16 * pair & 63);
      float highScale = d * (scales >>> 16 * pair + 8 & 63);
      float lowMinimum = m * (minima >>> 16 * pair & 63);
      float highMinimum = m * (minima >>> 16 * pair + 8 & 63);
      int to = yAt + 64 * pair;
      for (int i = 0; i < 32; i += L) {
        IntVector bytes = BlockLanes.unsigned(data, values + 32 * pair + i);
        BlockLanes.low(bytes).mul(lowScale).sub(lowMinimum).intoArray(y, to + i);
        BlockLanes.high(bytes).mul(highScale).sub(highMinimum).intoArray(y, to + 32 + i);
      }
    }
  }

  private static void superSixBits(MemorySegment data, long at, float[] y, int yAt) {
    float d = BlockLanes.half(data, at + 208);
    for (int half = 0; half < 2; half++) {
      long lower = at + 64 * half;
      long upper = at + 128 + 32 * half;
      long scales = at + 192 + 8 * half;
      int to = yAt + 128 * half;
      for (int i = 0; i < 32; i += L) {
        IntVector a = BlockLanes.unsigned(data, lower + i);
        IntVector b = BlockLanes.unsigned(data, lower + 32 + i);
        IntVector top = BlockLanes.unsigned(data, upper + i);
        long s = scales + i / 16;
        store(BlockLanes.six(a.and(15), top, 0), d, data, s, y, to + i);
        store(BlockLanes.six(b.and(15), top, 2), d, data, s + 2, y, to + 32 + i);
        IntVector c = a.lanewise(VectorOperators.LSHR, 4);
        store(BlockLanes.six(c, top, 4), d, data, s + 4, y, to + 64 + i);
        IntVector e = b.lanewise(VectorOperators.LSHR, 4);
        store(BlockLanes.six(e, top, 6), d, data, s + 6, y, to + 96 + i);
      }
    }
  }

  private static void store(
      FloatVector q, float d, MemorySegment data, long scale, float[] y, int yAt) {
    q.mul(d * data.get(ValueLayout.JAVA_BYTE, scale)).intoArray(y, yAt);
  }
}
