package io.github.vlm4j.core.quant;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Q6_K: 256 numbers in sixteen groups of 16. First 128 bytes with the lower four bits of q, then 64
 * with the upper two, then a signed byte s for each group, then d in f16. The numbers are d·s·(q −
 * 32).
 *
 * <p>Each half of 128 numbers has 64 and 32 bytes of its own: of its numbers, i and i + 64 share
 * byte i of the lower bits, and i, i + 32, i + 64 and i + 96 share byte i of the upper.
 */
final class SixBitSuperBlocks implements BlockCodec {

  static final BlockCodec CODEC = new SixBitSuperBlocks();

  private static final int SIZE = DType.Q6_K.blockElements();
  private static final int BYTES = DType.Q6_K.blockBytes();
  private static final int GROUP = 16;
  private static final int GROUPS = SIZE / GROUP;
  private static final int UPPER = 128;
  private static final int SCALES = 192;
  private static final int SUPER_SCALE = 208;
  private static final int CENTRE = 32;
  private static final float ZERO = 1e-15f;

  private SixBitSuperBlocks() {}

  @Override
  public void decode(MemorySegment data, long at, int blocks, float[] y, int yAt) {
    for (int block = 0; block < blocks; block++) {
      long from = at + (long) block * BYTES;
      int to = yAt + block * SIZE;
      float d = Float.float16ToFloat(data.get(Tensor.BITS16, from + SUPER_SCALE));
      for (int i = 0; i < SIZE; i++) {
        y[to + i] = d * data.get(JAVA_BYTE, from + SCALES + i / GROUP) * value(data, from, i);
      }
    }
  }

  @Override
  public float decode(MemorySegment data, long at, int index) {
    float d = Float.float16ToFloat(data.get(Tensor.BITS16, at + SUPER_SCALE));
    return d * data.get(JAVA_BYTE, at + SCALES + index / GROUP) * value(data, at, index);
  }

  private static int value(MemorySegment data, long at, int index) {
    int half = index / 128;
    int in = index % 128;
    int lower = data.get(JAVA_BYTE, at + half * 64L + in % 64) >> in / 64 * 4 & 15;
    int upper = data.get(JAVA_BYTE, at + UPPER + half * 32L + in % 32) >> in / 32 * 2 & 3;
    return (lower | upper << 4) - CENTRE;
  }

  @Override
  public void encode(float[] x, int xAt, int blocks, MemorySegment data, long at) {
    byte[] q = new byte[SIZE];
    float[] scales = new float[GROUPS];
    for (int block = 0; block < blocks; block++) {
      int from = xAt + block * SIZE;
      long to = at + (long) block * BYTES;
      float extreme = 0;
      for (int group = 0; group < GROUPS; group++) {
        scales[group] = fit(x, from + group * GROUP, q, group * GROUP);
        if (Math.abs(scales[group]) > Math.abs(extreme)) {
          extreme = scales[group];
        }
      }
      if (Math.abs(extreme) < ZERO) {
        data.asSlice(to, BYTES).fill((byte) 0);
        continue;
      }
      float perScale = -128 / extreme;
      short d = Float.floatToFloat16(1 / perScale);
      data.set(Tensor.BITS16, to + SUPER_SCALE, d);
      for (int group = 0; group < GROUPS; group++) {
        byte s = (byte) Math.min(127, Rounding.toNearest(perScale * scales[group]));
        data.set(JAVA_BYTE, to + SCALES + group, s);
        float scale = Float.float16ToFloat(d) * s;
        for (int i = group * GROUP; i < (group + 1) * GROUP && scale != 0; i++) {
          q[i] = quantise(x[from + i] / scale);
        }
      }
      pack(q, data, to);
    }
  }

  private static byte quantise(float scaled) {
    int nearest = Rounding.toNearest(scaled);
    return (byte) (Rounding.within(-CENTRE, CENTRE - 1, nearest) + CENTRE);
  }

  private static void pack(byte[] q, MemorySegment data, long at) {
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 32; i++) {
        int a = q[half * 128 + i];
        int b = q[half * 128 + i + 32];
        int c = q[half * 128 + i + 64];
        int d = q[half * 128 + i + 96];
        data.set(JAVA_BYTE, at + half * 64L + i, (byte) (a & 15 | (c & 15) << 4));
        data.set(JAVA_BYTE, at + half * 64L + 32 + i, (byte) (b & 15 | (d & 15) << 4));
        int upper = a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6;
        data.set(JAVA_BYTE, at + UPPER + half * 32L + i, (byte) upper);
      }
    }
  }

  /**
   * Finds scale and q of one group: the least squares, weighted by the squares of the numbers, for
   * each of several roundings, of which the one with the least error wins.
   */
  private static float fit(float[] x, int xAt, byte[] q, int qAt) {
    float extreme = 0;
    for (int i = 0; i < GROUP; i++) {
      if (Math.abs(x[xAt + i]) > Math.abs(extreme)) {
        extreme = x[xAt + i];
      }
    }
    if (Math.abs(extreme) < ZERO) {
      Arrays.fill(q, qAt, qAt + GROUP, (byte) 0);
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int trial = 0; trial < 19; trial++) {
      // ggml tries the plain rounding first, then finer and coarser ones.
      int step = trial == 0 ? 0 : trial <= 9 ? trial - 10 : trial - 9;
      float perStep = -(CENTRE + 0.1f * step) / extreme;
      float sumXQ = 0;
      float sumQQ = 0;
      for (int i = 0; i < GROUP; i++) {
        float value = x[xAt + i];
        int l = quantise(perStep * value) - CENTRE;
        float w = value * value;
        sumXQ += w * value * l;
        sumQQ += w * l * l;
      }
      boolean better = trial == 0 || (sumQQ > 0 && sumXQ * sumXQ > best * sumQQ);
      if (better) {
        for (int i = 0; i < GROUP; i++) {
          q[qAt + i] = quantise(perStep * x[xAt + i]);
        }
        scale = sumQQ == 0 ? 0 : sumXQ / sumQQ;
        best = scale * sumXQ;
      }
    }
    return scale;
  }
}
