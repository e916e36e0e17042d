package io.github.vlm4j.backend.cpu;

import com.sun.management.ThreadMXBean;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.backend.Buffer;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.Op;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.weights.WeightSource;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * What runs of a graph allocate.
 *
 * @param byCaller bytes allocated by the thread that runs it
 * @param byHelper bytes allocated by the other thread
 */
record Allocations(long byCaller, long byHelper) {

  private static final int RUNS = 20;

  /**
   * Runs a graph in batches, until one allocates nothing, and returns the least of them: what
   * happens once, such as linking the path on which a thread first waits or compiling a loop, may
   * fall into any batch; what a run allocates falls into all of them.
   */
  static Allocations least(Kernels kernels, Graph graph, WeightSource weights, int batches) {
    return least(kernels, Emission.of(null), graph, weights, batches);
  }

  /** The same with emitted kernels. */
  static Allocations least(
      Kernels kernels, Emission emission, Graph graph, WeightSource weights, int batches) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<Buffer> buffers = new ArrayList<>();
    try (CpuBackend backend = new CpuBackend(kernels, emission, 2);
        Executable executable = backend.compile(graph, weights)) {
      for (Value value : graph.values()) {
        if (value.op() instanceof Op.State(String name)) {
          buffers.add(backend.allocate(value.dtype(), value.shape()));
          executable.bind(name, buffers.getLast());
        }
      }
      executable.input("position").setInt(0, 120);
      for (int run = 0; run < RUNS; run++) {
        executable.run();
      }
      long helper =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("vlm-cpu-1"))
              .mapToLong(Thread::threadId)
              .max()
              .orElseThrow();
      long caller = Thread.currentThread().threadId();
      long byCaller = Long.MAX_VALUE;
      long byHelper = Long.MAX_VALUE;
      for (int batch = 0; batch < batches && (byCaller != 0 || byHelper != 0); batch++) {
        long callerBefore = threads.getThreadAllocatedBytes(caller);
        long helperBefore = threads.getThreadAllocatedBytes(helper);
        for (int run = 0; run < RUNS; run++) {
          executable.run();
        }
        byHelper = Math.min(byHelper, threads.getThreadAllocatedBytes(helper) - helperBefore);
        byCaller = Math.min(byCaller, threads.getThreadAllocatedBytes(caller) - callerBefore);
      }
      return new Allocations(byCaller, byHelper);
    } finally {
      buffers.forEach(Buffer::close);
    }
  }
}
