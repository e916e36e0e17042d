package io.github.vlm4j.backend.tornado.device;

import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A kernel whose numbers are known: sums over a work-group by way of local memory. */
final class SelfTest {

  private static final int GROUP = 32;
  private static final int GROUPS = 2;

  private SelfTest() {}

  /**
   * Runs the kernel on a device.
   *
   * @throws IllegalStateException if the numbers are wrong
   */
  static void run(TornadoDevice device) {
    FloatArray x = new FloatArray(GROUP * GROUPS);
    for (int i = 0; i < x.getSize(); i++) {
      x.set(i, i * 0.5f);
    }
    FloatArray sums = new FloatArray(GROUPS);
    WorkerGrid1D grid = new WorkerGrid1D(GROUP * GROUPS);
    grid.setLocalWork(GROUP, 1, 1);
    TaskGraph graph =
        new TaskGraph("selfTest")
            .transferToDevice(DataTransferMode.EVERY_EXECUTION, x)
            .task("sum", SelfTest::sumOfGroup, new KernelContext(), x, sums)
            .transferToHost(DataTransferMode.EVERY_EXECUTION, sums);
    try (TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot())) {
      plan.withDevice(device);
      plan.withGridScheduler(new GridScheduler("selfTest.sum", grid));
      plan.execute();
    } catch (TornadoExecutionPlanException e) {
      throw new IllegalStateException("its memory could not be freed", e);
    }
    for (int group = 0; group < GROUPS; group++) {
      float exact = (group * GROUP + (GROUP - 1) / 2f) * GROUP * 0.5f;
      if (sums.get(group) != exact) {
        throw new IllegalStateException(
            "a sum on "
                + device.getPhysicalDevice().getDeviceName()
                + " is "
                + sums.get(group)
                + " instead of "
                + exact);
      }
    }
  }

  /** Adds up the numbers of each work-group. */
  public static void sumOfGroup(KernelContext context, FloatArray x, FloatArray sums) {
    float[] own = context.allocateFloatLocalArray(GROUP);
    int lane = context.localIdx;
    own[lane] = x.get(context.globalIdx);
    context.localBarrier();
    if (lane == 0) {
      float sum = 0f;
      for (int i = 0; i < GROUP; i++) {
        sum += own[i];
      }
      sums.set(context.groupIdx, sum);
    }
  }
}
