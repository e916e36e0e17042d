package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Norms: a work-group of {@value #LANES} threads for each row. */
public final class NormKernels {

  /** The threads of a work-group. */
  public static final int LANES = 64;

  private NormKernels() {}

  /** {@code x / √(mean(x²) + eps) · w}. Parameters: x, w, y, columns, where eps lies. */
  public static void rmsNorm(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int size = p.get(3);
    int x = p.get(0) + context.groupIdx * size;
    int y = p.get(2) + context.groupIdx * size;
    int w = p.get(1);
    float own = 0f;
    for (int i = lane; i < size; i += LANES) {
      float value = floats.get(x + i);
      own += value * value;
    }
    sums[lane] = own;
    context.localBarrier();
    float squares = 0f;
    for (int i = 0; i < LANES; i++) {
      squares += sums[i];
    }
    float root = TornadoMath.sqrt(squares / size + floats.get(p.get(4)));
    for (int i = lane; i < size; i += LANES) {
      floats.set(y + i, floats.get(x + i) / root * floats.get(w + i));
    }
  }

  /**
   * {@code (x − mean) / √(variance + eps) · w + b}. Parameters: x, w, y, columns, where eps lies,
   * b.
   */
  public static void layerNorm(KernelContext context, IntArray p, FloatArray floats) {
    float[] sums = context.allocateFloatLocalArray(LANES);
    float[] squares = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int size = p.get(3);
    int x = p.get(0) + context.groupIdx * size;
    int y = p.get(2) + context.groupIdx * size;
    int w = p.get(1);
    int b = p.get(5);
    float own = 0f;
    for (int i = lane; i < size; i += LANES) {
      own += floats.get(x + i);
    }
    sums[lane] = own;
    context.localBarrier();
    float sum = 0f;
    for (int i = 0; i < LANES; i++) {
      sum += sums[i];
    }
    float mean = sum / size;
    float ownSquares = 0f;
    for (int i = lane; i < size; i += LANES) {
      float centred = floats.get(x + i) - mean;
      ownSquares += centred * centred;
    }
    squares[lane] = ownSquares;
    context.localBarrier();
    float all = 0f;
    for (int i = 0; i < LANES; i++) {
      all += squares[i];
    }
    float root = TornadoMath.sqrt(all / size + floats.get(p.get(4)));
    for (int i = lane; i < size; i += LANES) {
      floats.set(y + i, (floats.get(x + i) - mean) / root * floats.get(w + i) + floats.get(b + i));
    }
  }
}
