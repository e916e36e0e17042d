package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What a product by a library reads and leaves, which are arrays of their own. */
public final class ProductKernels {

  private ProductKernels() {}

  /**
   * Copies a matrix to the corner of a larger one and clears the rest. Parameters: threads, which
   * are the numbers of the larger one, from, rows, columns, numbers from row to row, columns of the
   * larger one.
   */
  public static void fill(KernelContext context, IntArray p, FloatArray floats, FloatArray block) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int row = i / p.get(5);
      int column = i % p.get(5);
      float value = 0f;
      if (row < p.get(2) && column < p.get(3)) {
        value = floats.get(p.get(1) + row * p.get(4) + column);
      }
      block.set(i, value);
    }
  }

  /** Sets a matrix to zero. Parameters: threads, which are its numbers. */
  public static void clear(KernelContext context, IntArray p, FloatArray block) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      block.set(i, 0f);
    }
  }

  /**
   * Copies the corner of a product to where it belongs. Parameters: threads, which are its numbers,
   * to, columns, numbers from row to row, columns of the whole product, bias or -1, an activation's
   * ordinal or -1, what the result is multiplied by or -1.
   */
  public static void take(KernelContext context, IntArray p, FloatArray floats, FloatArray block) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      int row = i / p.get(2);
      int column = i % p.get(2);
      int at = row * p.get(3) + column;
      float value = block.get(row * p.get(4) + column);
      if (p.get(5) >= 0) {
        value = value + floats.get(p.get(5) + column);
      }
      if (p.get(6) >= 0) {
        value = ElementKernels.activated(p.get(6), value);
      }
      if (p.get(7) >= 0) {
        value = value * floats.get(p.get(7) + at);
      }
      floats.set(p.get(1) + at, value);
    }
  }
}
