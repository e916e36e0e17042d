package io.github.vlm4j.backend.tornado.device.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Copies between the heaps and the small arrays that go to and from the host, as TornadoVM
 * transfers whole arrays. Parameters: threads, the place in the heap.
 */
public final class TransferKernels {

  private TransferKernels() {}

  /**
   * Writes to the first place of each heap what is there, so that all of them are on the device.
   */
  public static void touch(
      KernelContext context,
      IntArray p,
      FloatArray floats,
      ShortArray shorts,
      ByteArray bytes,
      IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      floats.set(i, floats.get(i));
      shorts.set(i, shorts.get(i));
      bytes.set(i, bytes.get(i));
      ints.set(i, ints.get(i));
    }
  }

  /** Does the same with the matrices of a library's product. */
  public static void touchWithProduct(
      KernelContext context,
      IntArray p,
      FloatArray floats,
      ShortArray shorts,
      ByteArray bytes,
      IntArray ints,
      FloatArray x,
      FloatArray w,
      FloatArray y) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      floats.set(i, floats.get(i));
      shorts.set(i, shorts.get(i));
      bytes.set(i, bytes.get(i));
      ints.set(i, ints.get(i));
      x.set(i, x.get(i));
      w.set(i, w.get(i));
      y.set(i, y.get(i));
    }
  }

  /** Takes numbers from the host. */
  public static void storeFloats(
      KernelContext context, IntArray p, FloatArray staged, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      floats.set(p.get(1) + i, staged.get(i));
    }
  }

  /** Takes 16-bit patterns from the host. */
  public static void storeShorts(
      KernelContext context, IntArray p, ShortArray staged, ShortArray shorts) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      shorts.set(p.get(1) + i, staged.get(i));
    }
  }

  /** Takes bytes from the host. */
  public static void storeBytes(
      KernelContext context, IntArray p, ByteArray staged, ByteArray bytes) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      bytes.set(p.get(1) + i, staged.get(i));
    }
  }

  /** Takes integers from the host. */
  public static void storeInts(KernelContext context, IntArray p, IntArray staged, IntArray ints) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      ints.set(p.get(1) + i, staged.get(i));
    }
  }

  /**
   * Gives numbers to the host, and a ticket by which it knows that they are those it asked for.
   * Parameters: threads, where, the place of the ticket, the ticket.
   */
  public static void loadFloats(
      KernelContext context, IntArray p, FloatArray staged, FloatArray floats) {
    int i = context.globalIdx;
    if (i < p.get(0)) {
      staged.set(i, floats.get(p.get(1) + i));
      if (i == 0) {
        staged.set(p.get(2), (float) p.get(3));
      }
    }
  }
}
