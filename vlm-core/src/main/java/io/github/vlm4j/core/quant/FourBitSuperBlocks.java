package io.github.vlm4j.core.quant;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Q4_K: 256 numbers in eight groups of 32. Two f16, d and m; twelve bytes with a six-bit scale s
 * and minimum t for each group; then 32 bytes for each two groups, whose lower halves are the q of
 * the first and whose upper halves are those of the second. The numbers are d·s·q − m·t.
 */
final class FourBitSuperBlocks implements BlockCodec {

  static final BlockCodec CODEC = new FourBitSuperBlocks();

  private static final int SIZE = DType.Q4_K.blockElements();
  private static final int BYTES = DType.Q4_K.blockBytes();
  private static final int GROUP = 32;
  private static final int GROUPS = SIZE / GROUP;
  private static final int MINIMUM = 2;
  private static final int SCALES = 4;
  private static final int VALUES = 16;
  private static final int GREATEST = 15;
  private static final int GREATEST_SCALE = 63;
  private static final int STEPS = 20;

  private FourBitSuperBlocks() {}

  @Override
  public void decode(MemorySegment data, long at, int blocks, float[] y, int yAt) {
    for (int block = 0; block < blocks; block++) {
      long from = at + (long) block * BYTES;
      float d = Float.float16ToFloat(data.get(Tensor.BITS16, from));
      float m = Float.float16ToFloat(data.get(Tensor.BITS16, from + MINIMUM));
      for (int group = 0; group < GROUPS; group++) {
        float scale = d * scale(data, from + SCALES, group);
        float minimum = m * minimum(data, from + SCALES, group);
        long values = from + VALUES + (long) (group / 2) * GROUP;
        int shift = group % 2 * 4;
        int to = yAt + block * SIZE + group * GROUP;
        for (int i = 0; i < GROUP; i++) {
          y[to + i] = scale * (data.get(JAVA_BYTE, values + i) >> shift & 15) - minimum;
        }
      }
    }
  }

  @Override
  public float decode(MemorySegment data, long at, int index) {
    int group = index / GROUP;
    float d = Float.float16ToFloat(data.get(Tensor.BITS16, at));
    float m = Float.float16ToFloat(data.get(Tensor.BITS16, at + MINIMUM));
    int pair = data.get(JAVA_BYTE, at + VALUES + (long) (group / 2) * GROUP + index % GROUP);
    float scale = d * scale(data, at + SCALES, group);
    return scale * (pair >> group % 2 * 4 & 15) - m * minimum(data, at + SCALES, group);
  }

  /** The scales of the first four groups lie in six bits each, the others' in four and two. */
  private static int scale(MemorySegment data, long at, int group) {
    if (group < 4) {
      return data.get(JAVA_BYTE, at + group) & 63;
    }
    int upper = data.get(JAVA_BYTE, at + group - 4) >> 6 & 3;
    return data.get(JAVA_BYTE, at + group + 4) & 15 | upper << 4;
  }

  private static int minimum(MemorySegment data, long at, int group) {
    if (group < 4) {
      return data.get(JAVA_BYTE, at + group + 4) & 63;
    }
    int upper = data.get(JAVA_BYTE, at + group) >> 6 & 3;
    return data.get(JAVA_BYTE, at + group + 4) >> 4 & 15 | upper << 4;
  }

  @Override
  public void encode(float[] x, int xAt, int blocks, MemorySegment data, long at) {
    Search search = new Search();
    for (int block = 0; block < blocks; block++) {
      search.encode(x, xAt + block * SIZE, data, at + (long) block * BYTES);
    }
  }

  /** What one call needs to find the scales and minima of a block. */
  private static final class Search {

    private final byte[] q = new byte[SIZE];
    private final byte[] tried = new byte[GROUP];
    private final float[] weights = new float[GROUP];
    private final float[] scales = new float[GROUPS];
    private final float[] minima = new float[GROUPS];

    void encode(float[] x, int xAt, MemorySegment data, long at) {
      float greatestScale = 0;
      float greatestMinimum = 0;
      for (int group = 0; group < GROUPS; group++) {
        fit(x, xAt + group * GROUP, group);
        greatestScale = Math.max(greatestScale, scales[group]);
        greatestMinimum = Math.max(greatestMinimum, minima[group]);
      }
      writeScales(greatestScale, greatestMinimum, data, at);
      float d = Float.float16ToFloat(data.get(Tensor.BITS16, at));
      float m = Float.float16ToFloat(data.get(Tensor.BITS16, at + MINIMUM));
      for (int group = 0; group < GROUPS; group++) {
        float scale = d * scale(data, at + SCALES, group);
        if (scale == 0) {
          continue;
        }
        float minimum = m * minimum(data, at + SCALES, group);
        for (int i = group * GROUP; i < (group + 1) * GROUP; i++) {
          int nearest = Rounding.toNearest((x[xAt + i] + minimum) / scale);
          q[i] = (byte) Rounding.within(0, GREATEST, nearest);
        }
      }
      for (int pair = 0; pair < GROUPS / 2; pair++) {
        long to = at + VALUES + (long) pair * GROUP;
        for (int i = 0; i < GROUP; i++) {
          int low = q[2 * pair * GROUP + i];
          int high = q[(2 * pair + 1) * GROUP + i];
          data.set(JAVA_BYTE, to + i, (byte) (low | high << 4));
        }
      }
    }

    private void writeScales(
        float greatestScale, float greatestMinimum, MemorySegment data, long at) {
      float perScale = greatestScale > 0 ? GREATEST_SCALE / greatestScale : 0;
      float perMinimum = greatestMinimum > 0 ? GREATEST_SCALE / greatestMinimum : 0;
      long to = at + SCALES;
      for (int group = 0; group < GROUPS; group++) {
        int scale = Math.min(GREATEST_SCALE, Rounding.toNearest(perScale * scales[group]) & 255);
        int minimum =
            Math.min(GREATEST_SCALE, Rounding.toNearest(perMinimum * minima[group]) & 255);
        if (group < 4) {
          data.set(JAVA_BYTE, to + group, (byte) scale);
          data.set(JAVA_BYTE, to + group + 4, (byte) minimum);
        } else {
          data.set(JAVA_BYTE, to + group + 4, (byte) (scale & 15 | (minimum & 15) << 4));
          addUpper(data, to + group - 4, scale);
          addUpper(data, to + group, minimum);
        }
      }
      data.set(Tensor.BITS16, at, Float.floatToFloat16(greatestScale / GREATEST_SCALE));
      data.set(Tensor.BITS16, at + MINIMUM, Float.floatToFloat16(greatestMinimum / GREATEST_SCALE));
    }

    private static void addUpper(MemorySegment data, long at, int value) {
      data.set(JAVA_BYTE, at, (byte) (data.get(JAVA_BYTE, at) | value >> 4 << 6));
    }

    /**
     * Finds scale, minimum and q of one group: the weighted least squares for each of several
     * roundings, of which the one with the least error wins. Large numbers weigh more.
     */
    private void fit(float[] x, int xAt, int group) {
      float squares = 0;
      for (int i = 0; i < GROUP; i++) {
        squares += x[xAt + i] * x[xAt + i];
      }
      float deviation = (float) Math.sqrt(squares / GROUP);
      float least = x[xAt];
      float greatest = x[xAt];
      float sumW = 0;
      float sumX = 0;
      for (int i = 0; i < GROUP; i++) {
        float value = x[xAt + i];
        weights[i] = deviation + Math.abs(value);
        least = Math.min(least, value);
        greatest = Math.max(greatest, value);
        sumW += weights[i];
        sumX += weights[i] * value;
      }
      least = Math.min(least, 0f);
      if (greatest == least) {
        Arrays.fill(q, group * GROUP, (group + 1) * GROUP, (byte) 0);
        scales[group] = 0;
        minima[group] = -least;
        return;
      }
      float range = greatest - least;
      round(x, xAt, GREATEST / range, least);
      float scale = 1 / (GREATEST / range);
      float minimum = least;
      float error = error(x, xAt, scale, minimum);
      System.arraycopy(tried, 0, q, group * GROUP, GROUP);
      for (int step = 0; step <= STEPS; step++) {
        // From the minimum found so far, as ggml does it.
        round(x, xAt, (-1f + 0.1f * step + GREATEST) / (greatest - minimum), minimum);
        float sumQ = 0;
        float sumQQ = 0;
        float sumXQ = 0;
        for (int i = 0; i < GROUP; i++) {
          float wq = weights[i] * tried[i];
          sumQ += wq;
          sumQQ += wq * tried[i];
          sumXQ += wq * x[xAt + i];
        }
        float determinant = sumW * sumQQ - sumQ * sumQ;
        if (!(determinant > 0)) {
          continue;
        }
        float triedScale = (sumW * sumXQ - sumX * sumQ) / determinant;
        float triedMinimum = (sumQQ * sumX - sumQ * sumXQ) / determinant;
        if (triedMinimum > 0) {
          triedMinimum = 0;
          triedScale = sumXQ / sumQQ;
        }
        float triedError = error(x, xAt, triedScale, triedMinimum);
        if (triedError < error) {
          System.arraycopy(tried, 0, q, group * GROUP, GROUP);
          error = triedError;
          scale = triedScale;
          minimum = triedMinimum;
        }
      }
      scales[group] = scale;
      minima[group] = -minimum;
    }

    private void round(float[] x, int xAt, float perStep, float minimum) {
      for (int i = 0; i < GROUP; i++) {
        int nearest = Rounding.toNearest(perStep * (x[xAt + i] - minimum));
        tried[i] = (byte) Rounding.within(0, GREATEST, nearest);
      }
    }

    private float error(float[] x, int xAt, float scale, float minimum) {
      float error = 0;
      for (int i = 0; i < GROUP; i++) {
        float off = scale * tried[i] + minimum - x[xAt + i];
        error += weights[i] * (off * off);
      }
      return error;
    }
  }
}
