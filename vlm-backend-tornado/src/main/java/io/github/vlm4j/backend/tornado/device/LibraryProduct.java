package io.github.vlm4j.backend.tornado.device;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * {@code y += x · wᵀ} by a library of the device's maker, for matrices of one size: what a library
 * is told is frozen when a graph of TornadoVM is built. All three are row by row.
 *
 * @param rows of x and y
 * @param columns of y, and rows of w
 * @param depth the columns of x and w
 * @param x {@code [rows, depth]}
 * @param w {@code [columns, depth]}
 * @param y {@code [rows, columns]}
 * @param task adds the product to a graph
 */
record LibraryProduct(
    int rows, int columns, int depth, FloatArray x, FloatArray w, FloatArray y, Task task) {

  private static final int ROWS = 256;
  private static final int COLUMNS = 4096;
  private static final int DEPTH = 2048;

  private static final Logger LOG = LoggerFactory.getLogger(LibraryProduct.class);

  /** Allows libraries, as {@code on}; without it there is none, as none has been run so far. */
  private static final String SETTING = "vlm.tornado.library";

  /** Adds a product to a graph. */
  @FunctionalInterface
  interface Task {
    TaskGraph add(TaskGraph graph, KernelContext context, LibraryProduct product);
  }

  /** A product of some size. */
  static LibraryProduct of(int rows, int columns, int depth, Task task) {
    return new LibraryProduct(
        rows,
        columns,
        depth,
        new FloatArray(rows * depth),
        new FloatArray(columns * depth),
        new FloatArray(rows * columns),
        task);
  }

  /**
   * Returns the product of the library that a device has: cuBLAS, if that is allowed, TornadoVM
   * drives the device by CUDA and has been started with that library, and the numbers of a small
   * product are right.
   */
  static @Nullable LibraryProduct find(TornadoDevice device) {
    if (device.getTornadoVMBackend() != TornadoVMBackendType.CUDA
        || !"on".equals(System.getProperty(SETTING))) {
      return null;
    }
    try {
      Sgemm.test(device);
    } catch (Throwable e) {
      // TornadoVM and the library fail in as many ways as TornadoVM itself, some of them errors.
      LOG.debug("Products are those of this module's own kernels, as cuBLAS cannot be used", e);
      return null;
    }
    LOG.debug("Products of many rows are cuBLAS's");
    return of(ROWS, COLUMNS, DEPTH, LibraryProduct::addSgemm);
  }

  private static TaskGraph addSgemm(
      TaskGraph graph, KernelContext context, LibraryProduct product) {
    return graph.libraryTask(
        Kernel.TASK,
        (x, w, y) -> Sgemm.of(x, w, y, product.rows, product.columns, product.depth),
        product.x,
        product.w,
        product.y);
  }

  /**
   * Returns whether so many rows are worth it: of fewer, most of what the library computes would be
   * thrown away.
   */
  boolean suits(int someRows) {
    return someRows >= rows / 2;
  }

  /** Returns the bytes of the three matrices. */
  long bytes() {
    return Float.BYTES * ((long) x.getSize() + w.getSize() + y.getSize());
  }
}
