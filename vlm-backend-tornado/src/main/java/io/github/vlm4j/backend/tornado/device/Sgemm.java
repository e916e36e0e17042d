package io.github.vlm4j.backend.tornado.device;

import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.Access;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * cuBLAS's {@code cublasSgemm} as a library task. It is named, not linked to: a TornadoVM SDK for
 * CUDA has the module that knows it, and any other says that it does not.
 */
final class Sgemm {

  private static final int TRANSPOSED = 1;
  private static final int AS_IT_IS = 0;
  private static final int Y = 11;

  private Sgemm() {}

  /**
   * Describes {@code y += x · wᵀ}. To cuBLAS, matrices lie column by column, so that each is its
   * transpose: it is asked for {@code yᵀ += w · xᵀ}.
   *
   * @param x {@code [rows, depth]}
   * @param w {@code [columns, depth]}
   * @param y {@code [rows, columns]}
   */
  static LibraryTaskDescriptor of(
      FloatArray x, FloatArray w, FloatArray y, int rows, int columns, int depth) {
    Object[] parameters = {
      TRANSPOSED, AS_IT_IS, columns, rows, depth, 1f, w, depth, x, depth, 1f, y, columns
    };
    Access[] access = new Access[parameters.length];
    for (int i = 0; i < access.length; i++) {
      access[i] = i == Y ? Access.READ_WRITE : Access.READ_ONLY;
    }
    return new LibraryTaskDescriptor()
        .withLibrary("nvidia/cublas")
        .withFunction("cublasSgemm")
        .withParameters(parameters)
        .withAccess(access);
  }

  /**
   * Computes a small product on a device and compares it.
   *
   * @throws IllegalStateException if a number is wrong
   */
  static void test(TornadoDevice device) {
    int rows = 3;
    int columns = 5;
    int depth = 4;
    FloatArray x = numbers(rows * depth);
    FloatArray w = numbers(columns * depth);
    FloatArray y = numbers(rows * columns);
    TaskGraph graph =
        new TaskGraph("sgemm")
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, x, w, y)
            .libraryTask("product", (a, b, c) -> of(a, b, c, rows, columns, depth), x, w, y)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, y);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withDevice(device);
      plan.execute();
    } catch (TornadoExecutionPlanException e) {
      throw new IllegalStateException("its memory could not be freed", e);
    }
    FloatArray before = numbers(rows * columns);
    for (int i = 0; i < before.getSize(); i++) {
      float exact = before.get(i);
      for (int k = 0; k < depth; k++) {
        exact += x.get(i / columns * depth + k) * w.get(i % columns * depth + k);
      }
      // Of small integers, so that no order of additions rounds.
      if (y.get(i) != exact) {
        throw new IllegalStateException("a product is " + y.get(i) + " instead of " + exact);
      }
    }
  }

  private static FloatArray numbers(int count) {
    FloatArray numbers = new FloatArray(count);
    for (int i = 0; i < count; i++) {
      numbers.set(i, i * 7 % 11 - 4f);
    }
    return numbers;
  }
}
