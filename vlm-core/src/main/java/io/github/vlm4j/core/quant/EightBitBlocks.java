package io.github.vlm4j.core.quant;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Q8_0: a scale d in f16, then 32 signed bytes q; the numbers are d·q. */
final class EightBitBlocks implements BlockCodec {

  static final BlockCodec CODEC = new EightBitBlocks();

  private static final int SIZE = DType.Q8_0.blockElements();
  private static final int BYTES = DType.Q8_0.blockBytes();
  private static final int VALUES = 2;
  private static final int GREATEST = 127;

  private EightBitBlocks() {}

  @Override
  public void decode(MemorySegment data, long at, int blocks, float[] y, int yAt) {
    for (int block = 0; block < blocks; block++) {
      long from = at + (long) block * BYTES;
      int to = yAt + block * SIZE;
      float d = Float.float16ToFloat(data.get(Tensor.BITS16, from));
      for (int i = 0; i < SIZE; i++) {
        y[to + i] = d * data.get(JAVA_BYTE, from + VALUES + i);
      }
    }
  }

  @Override
  public float decode(MemorySegment data, long at, int index) {
    return Float.float16ToFloat(data.get(Tensor.BITS16, at))
        * data.get(JAVA_BYTE, at + VALUES + index);
  }

  @Override
  public void encode(float[] x, int xAt, int blocks, MemorySegment data, long at) {
    for (int block = 0; block < blocks; block++) {
      int from = xAt + block * SIZE;
      long to = at + (long) block * BYTES;
      float greatest = 0;
      for (int i = 0; i < SIZE; i++) {
        greatest = Math.max(greatest, Math.abs(x[from + i]));
      }
      float d = greatest / GREATEST;
      float inverse = d == 0 ? 0 : 1 / d;
      data.set(Tensor.BITS16, to, Float.floatToFloat16(d));
      for (int i = 0; i < SIZE; i++) {
        data.set(JAVA_BYTE, to + VALUES + i, Rounding.awayFromZero(x[from + i] * inverse));
      }
    }
  }
}
