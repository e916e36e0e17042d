package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.graph.Value;
import java.util.function.IntSupplier;

/**
 * One launch of a kernel in every run of a graph.
 *
 * @param value what it computes, or takes part in computing
 * @param kernel what runs
 * @param threads how many threads, or how many work-groups
 * @param ofGroups whether work-groups are counted, which do not need to be told
 * @param parameters what the kernel is told, but for the number of threads
 */
record Launch(Value value, Kernel kernel, int threads, boolean ofGroups, IntSupplier[] parameters) {

  /** Runs the kernel. */
  void run(DeviceMemory memory) {
    int[] values = new int[parameters.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = parameters[i].getAsInt();
    }
    if (ofGroups) {
      memory.launchGroups(kernel, threads, values);
    } else {
      memory.launch(kernel, threads, values);
    }
  }
}
