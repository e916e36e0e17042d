package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Gated activations with both of their projections, {@code activation(x·gate) · (x·up)}: one thread
 * or one work-group for each number of the result. Parameters: x, y, the gate's bias or -1, rows of
 * a weight, columns, four for where the gate's weight lies, the activation's ordinal, the weight of
 * a norm of x or -1, where its eps lies, bias of up or -1, and three for where the weight of up
 * lies; before them the number of threads, where threads compute. Threads have no norm.
 */
public final class GatedKernels {

  private static final int LANES = RowKernels.LANES;

  private GatedKernels() {}

  /** Multiplies with f32 weights, a thread for each number. */
  public static void gatedFloats(KernelContext context, IntArray p, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int column = i % p.get(4);
      int in = p.get(5);
      int x = p.get(1) + i / p.get(4) * in;
      float gate = LinearKernels.products(floats, x, in, p.get(6) + column * in);
      float up = LinearKernels.products(floats, x, in, p.get(14) + column * in);
      store(p, 1, floats, i, column, gate, up);
    }
  }

  /** Multiplies with f16 or bf16 weights, a thread for each number. */
  public static void gatedHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int column = i % p.get(4);
      int in = p.get(5);
      int x = p.get(1) + i / p.get(4) * in;
      int powers = p.get(7);
      int mantissas = p.get(8);
      int gateRow = p.get(6) + column * in;
      int upRow = p.get(14) + column * in;
      float gate = LinearKernels.products(floats, shorts, x, in, gateRow, powers, mantissas);
      float up = LinearKernels.products(floats, shorts, x, in, upRow, powers, mantissas);
      store(p, 1, floats, i, column, gate, up);
    }
  }

  /** Multiplies with weights of bytes in blocks, a thread for each number. */
  public static void gatedBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int column = i % p.get(4);
      int in = p.get(5);
      int x = p.get(1) + i / p.get(4) * in;
      int size = p.get(9);
      int row = column * (in / size);
      int gateMinima = p.get(8);
      int upMinima = p.get(16);
      if (gateMinima >= 0) {
        gateMinima = gateMinima + row;
        upMinima = upMinima + row;
      }
      int gateScales = p.get(7) + row;
      int upScales = p.get(15) + row;
      int gateRow = p.get(6) + column * in;
      int upRow = p.get(14) + column * in;
      float gate =
          LinearKernels.products(floats, bytes, x, in, gateRow, gateScales, gateMinima, size);
      float up = LinearKernels.products(floats, bytes, x, in, upRow, upScales, upMinima, size);
      store(p, 1, floats, i, column, gate, up);
    }
  }

  /** Multiplies with f32 weights, a work-group for each number. */
  public static void gatedRowFloats(KernelContext context, IntArray p, FloatArray floats) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] gates = context.allocateFloatLocalArray(LANES);
    float[] ups = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int column = context.groupIdx % p.get(3);
    int in = p.get(4);
    int x = p.get(0) + context.groupIdx / p.get(3) * in;
    int norm = p.get(10);
    squares[lane] = RowKernels.ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = RowKernels.root(floats, square, in, norm, p.get(11));
    int row = column * in;
    gates[lane] = RowKernels.ownProducts(floats, x, in, p.get(5) + row, norm, root, lane);
    ups[lane] = RowKernels.ownProducts(floats, x, in, p.get(13) + row, norm, root, lane);
    context.localBarrier();
    float gate = 0f;
    float up = 0f;
    for (int i = 0; i < LANES; i++) {
      gate += gates[i];
      up += ups[i];
    }
    if (lane == 0) {
      store(p, 0, floats, context.groupIdx, column, gate, up);
    }
  }

  /** Multiplies with f16 or bf16 weights, a work-group for each number. */
  public static void gatedRowHalves(
      KernelContext context, IntArray p, FloatArray floats, ShortArray shorts) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] gates = context.allocateFloatLocalArray(LANES);
    float[] ups = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int column = context.groupIdx % p.get(3);
    int in = p.get(4);
    int x = p.get(0) + context.groupIdx / p.get(3) * in;
    int norm = p.get(10);
    squares[lane] = RowKernels.ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = RowKernels.root(floats, square, in, norm, p.get(11));
    int powers = p.get(6);
    int mantissas = p.get(7);
    int gateRow = p.get(5) + column * in;
    int upRow = p.get(13) + column * in;
    gates[lane] =
        RowKernels.ownProducts(floats, shorts, x, in, gateRow, powers, mantissas, norm, root, lane);
    ups[lane] =
        RowKernels.ownProducts(floats, shorts, x, in, upRow, powers, mantissas, norm, root, lane);
    context.localBarrier();
    float gate = 0f;
    float up = 0f;
    for (int i = 0; i < LANES; i++) {
      gate += gates[i];
      up += ups[i];
    }
    if (lane == 0) {
      store(p, 0, floats, context.groupIdx, column, gate, up);
    }
  }

  /** Multiplies with weights of bytes in blocks, a work-group for each number. */
  public static void gatedRowBlocks(
      KernelContext context, IntArray p, FloatArray floats, ByteArray bytes) {
    float[] squares = context.allocateFloatLocalArray(LANES);
    float[] gates = context.allocateFloatLocalArray(LANES);
    float[] ups = context.allocateFloatLocalArray(LANES);
    int lane = context.localIdx;
    int column = context.groupIdx % p.get(3);
    int in = p.get(4);
    int x = p.get(0) + context.groupIdx / p.get(3) * in;
    int norm = p.get(10);
    squares[lane] = RowKernels.ownSquares(floats, x, in, norm, lane);
    context.localBarrier();
    float square = 0f;
    for (int i = 0; i < LANES; i++) {
      square += squares[i];
    }
    float root = RowKernels.root(floats, square, in, norm, p.get(11));
    int size = p.get(8);
    int row = column * (in / size);
    int gateMinima = p.get(7);
    int upMinima = p.get(15);
    if (gateMinima >= 0) {
      gateMinima = gateMinima + row;
      upMinima = upMinima + row;
    }
    int gateScales = p.get(6) + row;
    int upScales = p.get(14) + row;
    int gateRow = p.get(5) + column * in;
    int upRow = p.get(13) + column * in;
    gates[lane] =
        RowKernels.ownProducts(
            floats, bytes, x, in, gateRow, gateScales, gateMinima, size, norm, root, lane);
    ups[lane] =
        RowKernels.ownProducts(
            floats, bytes, x, in, upRow, upScales, upMinima, size, norm, root, lane);
    context.localBarrier();
    float gate = 0f;
    float up = 0f;
    for (int i = 0; i < LANES; i++) {
      gate += gates[i];
      up += ups[i];
    }
    if (lane == 0) {
      store(p, 0, floats, context.groupIdx, column, gate, up);
    }
  }

  private static void store(
      IntArray p, int first, FloatArray floats, int at, int column, float gateSum, float upSum) {
    float gate = gateSum;
    float up = upSum;
    if (p.get(first + 2) >= 0) {
      gate = gate + floats.get(p.get(first + 2) + column);
    }
    if (p.get(first + 12) >= 0) {
      up = up + floats.get(p.get(first + 12) + column);
    }
    floats.set(p.get(first + 1) + at, ElementKernels.activated(p.get(first + 9), gate) * up);
  }
}
