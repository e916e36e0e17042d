package io.github.vlm4j.core.quant;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Q4_0: a scale d in f16, then 16 bytes; byte i holds q of number i in its lower half and q of
 * number i + 16 in its upper half. The numbers are d·(q − 8).
 */
final class FourBitBlocks implements BlockCodec {

  static final BlockCodec CODEC = new FourBitBlocks();

  private static final int SIZE = DType.Q4_0.blockElements();
  private static final int HALF = SIZE / 2;
  private static final int BYTES = DType.Q4_0.blockBytes();
  private static final int VALUES = 2;
  private static final int CENTRE = 8;

  private FourBitBlocks() {}

  @Override
  public void decode(MemorySegment data, long at, int blocks, float[] y, int yAt) {
    for (int block = 0; block < blocks; block++) {
      long from = at + (long) block * BYTES;
      int to = yAt + block * SIZE;
      float d = Float.float16ToFloat(data.get(Tensor.BITS16, from));
      for (int i = 0; i < HALF; i++) {
        int pair = data.get(JAVA_BYTE, from + VALUES + i);
        y[to + i] = d * ((pair & 15) - CENTRE);
        y[to + HALF + i] = d * ((pair >> 4 & 15) - CENTRE);
      }
    }
  }

  @Override
  public float decode(MemorySegment data, long at, int index) {
    int pair = data.get(JAVA_BYTE, at + VALUES + index % HALF);
    int shift = index < HALF ? 0 : 4;
    return Float.float16ToFloat(data.get(Tensor.BITS16, at)) * ((pair >> shift & 15) - CENTRE);
  }

  @Override
  public void encode(float[] x, int xAt, int blocks, MemorySegment data, long at) {
    for (int block = 0; block < blocks; block++) {
      int from = xAt + block * SIZE;
      long to = at + (long) block * BYTES;
      float extreme = 0;
      for (int i = 0; i < SIZE; i++) {
        if (Math.abs(x[from + i]) > Math.abs(extreme)) {
          extreme = x[from + i];
        }
      }
      // The number furthest from zero becomes q = 0, which is the only one that reaches −8.
      float d = extreme / -CENTRE;
      float inverse = d == 0 ? 0 : 1 / d;
      data.set(Tensor.BITS16, to, Float.floatToFloat16(d));
      for (int i = 0; i < HALF; i++) {
        int low = quantise(x[from + i] * inverse);
        int high = quantise(x[from + HALF + i] * inverse);
        data.set(JAVA_BYTE, to + VALUES + i, (byte) (low | high << 4));
      }
    }
  }

  private static int quantise(float scaled) {
    return Math.min(15, Rounding.truncate(scaled + (CENTRE + 0.5f)));
  }
}
