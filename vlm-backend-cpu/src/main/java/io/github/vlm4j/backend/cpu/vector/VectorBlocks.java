package io.github.vlm4j.backend.cpu.vector;

import io.github.vlm4j.core.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;

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
    long first = BlockLanes.words(data, at);
    long last = BlockLanes.words(data, at + 8);
    float d = Float.float16ToFloat((short) first);
    float m = Float.float16ToFloat((short) (first >> 16));
    long scales = BlockLanes.scales(first, last);
    long minima = BlockLanes.minima(first, last);
    for (int pair = 0; pair < 4; pair++) {
      int shift = 16 * pair;
      float lowScale = d * (scales >>> shift & 63);
      float highScale = d * (scales >>> shift + 8 & 63);
      float lowMinimum = m * (minima >>> shift & 63);
      float highMinimum = m * (minima >>> shift + 8 & 63);
      int to = yAt + 64 * pair;
      for (int i = 0; i < 32; i += L) {
        IntVector bytes = BlockLanes.unsigned(data, at + 16 + 32L * pair + i);
        BlockLanes.low(bytes).mul(lowScale).sub(lowMinimum).intoArray(y, to + i);
        BlockLanes.high(bytes).mul(highScale).sub(highMinimum).intoArray(y, to + 32 + i);
      }
    }
  }

  private static void superSixBits(MemorySegment data, long at, float[] y, int yAt) {
    float d = BlockLanes.half(data, at + 208);
    for (int half = 0; half < 2; half++) {
      long lower = at + 64L * half;
      long upper = at + 128 + 32L * half;
      long scales = BlockLanes.words(data, at + 192 + 8L * half);
      int to = yAt + 128 * half;
      for (int quarter = 0; quarter < 4; quarter++) {
        long nibbles = lower + quarter % 2 * 32L;
        for (int i = 0; i < 32; i += L) {
          IntVector q = BlockLanes.six(data, nibbles + i, upper + i, quarter);
          float scale = d * (byte) (scales >> 16 * quarter + i / 16 * 8);
          BlockLanes.floats(q).mul(scale).intoArray(y, to + 32 * quarter + i);
        }
      }
    }
  }
}
