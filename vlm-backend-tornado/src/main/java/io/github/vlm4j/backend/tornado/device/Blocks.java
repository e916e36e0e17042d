package io.github.vlm4j.backend.tornado.device;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a block-quantised tensor in the one form that the kernels read, without any loss:
 * bytes q, and for each few of them a scale s and a minimum m, so that a number is {@code q·s − m}.
 * Types of four and six bits take a byte for each number.
 *
 * @param size the numbers that share a scale
 * @param q a byte for each number
 * @param scales a scale for each {@code size} numbers
 * @param minima as many minima; null if all are 0
 */
record Blocks(int size, byte[] q, float[] scales, float @Nullable [] minima) {

  /** Returns how many numbers of a type share a scale. */
  static int size(DType dtype) {
    return dtype == DType.Q6_K ? 16 : 32;
  }

  /** Unpacks a tensor of Q8_0, Q4_0, Q4_K or Q6_K. */
  static Blocks of(Tensor tensor) {
    DType dtype = tensor.dtype();
    int count = Math.toIntExact(tensor.shape().elements());
    int size = size(dtype);
    byte[] q = new byte[count];
    float[] scales = new float[count / size];
    float[] minima = dtype == DType.Q4_K ? new float[scales.length] : null;
    Blocks blocks = new Blocks(size, q, scales, minima);
    for (int block = 0; block < count / dtype.blockElements(); block++) {
      MemorySegment data =
          tensor.data().asSlice((long) block * dtype.blockBytes(), dtype.blockBytes());
      int at = block * dtype.blockElements();
      switch (dtype) {
        case Q8_0 -> blocks.unpackBytes(data, at);
        case Q4_0 -> blocks.unpackNibbles(data, at);
        case Q4_K -> blocks.unpackNibblesWithMinima(data, at);
        case Q6_K -> blocks.unpackSixBits(data, at);
        default -> throw new IllegalArgumentException(dtype + " is not stored in blocks");
      }
    }
    return blocks;
  }

  private void unpackBytes(MemorySegment data, int at) {
    scales[at / size] = half(data, 0);
    MemorySegment.copy(data, JAVA_BYTE, 2, q, at, size);
  }

  private void unpackNibbles(MemorySegment data, int at) {
    scales[at / size] = half(data, 0);
    for (int i = 0; i < 16; i++) {
      int pair = data.get(JAVA_BYTE, 2 + i);
      q[at + i] = (byte) ((pair & 15) - 8);
      q[at + 16 + i] = (byte) ((pair >> 4 & 15) - 8);
    }
  }

  private void unpackNibblesWithMinima(MemorySegment data, int at) {
    float[] offsets = minima;
    for (int group = 0; group < 8 && offsets != null; group++) {
      int scale = data.get(JAVA_BYTE, 4 + group % 4) & 63;
      int minimum = data.get(JAVA_BYTE, 8 + group % 4) & 63;
      if (group >= 4) {
        int lower = data.get(JAVA_BYTE, 8 + group);
        scale = lower & 15 | (data.get(JAVA_BYTE, group) >> 6 & 3) << 4;
        minimum = lower >> 4 & 15 | (data.get(JAVA_BYTE, 4 + group) >> 6 & 3) << 4;
      }
      scales[at / size + group] = half(data, 0) * scale;
      offsets[at / size + group] = half(data, 2) * minimum;
      for (int i = 0; i < 32; i++) {
        int pair = data.get(JAVA_BYTE, 16 + group / 2 * 32 + i);
        q[at + group * 32 + i] = (byte) (pair >> group % 2 * 4 & 15);
      }
    }
  }

  private void unpackSixBits(MemorySegment data, int at) {
    for (int group = 0; group < 16; group++) {
      scales[at / size + group] = half(data, 208) * data.get(JAVA_BYTE, 192 + group);
    }
    for (int i = 0; i < 256; i++) {
      int part = i / 128;
      int in = i % 128;
      int lower = data.get(JAVA_BYTE, part * 64 + in % 64) >> in / 64 * 4 & 15;
      int upper = data.get(JAVA_BYTE, 128 + part * 32 + in % 32) >> in / 32 * 2 & 3;
      q[at + i] = (byte) ((lower | upper << 4) - 32);
    }
  }

  private static float half(MemorySegment data, int at) {
    return Float.float16ToFloat(data.get(Tensor.BITS16, at));
  }
}
