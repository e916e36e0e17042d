package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.device.kernels.Parts;
import io.github.vlm4j.core.BackendException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.ImmutableTaskGraph;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.exceptions.TornadoInternalError;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * All kernels over one set of heaps, as one execution plan: only graphs of one plan can leave
 * arrays on the device for each other. Not safe for use by several threads at once.
 */
final class KernelPlan implements KernelLauncher {

  private static final int MOST_PARAMETERS = Parts.SIZE * Parts.MOST;

  private final String deviceName;
  private final HostArrays arrays;
  private final CompileClock clock;
  private final IntArray parameters = new IntArray(MOST_PARAMETERS);
  private final TornadoExecutionPlan plan;
  private final Set<Kernel> compiled = EnumSet.noneOf(Kernel.class);
  private final WorkerGrid1D[] grids = new WorkerGrid1D[Kernel.values().length];

  /** Puts the heaps on a device as they are on the host. */
  KernelPlan(TornadoDevice device, HostArrays arrays, CompileClock clock) {
    this.deviceName = device.getPhysicalDevice().getDeviceName().strip();
    this.arrays = arrays;
    this.clock = clock;
    GridScheduler scheduler = new GridScheduler();
    List<ImmutableTaskGraph> graphs = new ArrayList<>();
    for (Kernel kernel : kernels()) {
      WorkerGrid1D grid = new WorkerGrid1D(kernel.groupSize());
      grid.setLocalWork(kernel.groupSize(), 1, 1);
      grids[kernel.ordinal()] = grid;
      scheduler.addWorkerGrid(kernel + "." + Kernel.TASK, grid);
      graphs.add(graph(kernel));
    }
    plan = new TornadoExecutionPlan(graphs.toArray(ImmutableTaskGraph[]::new));
    plan.withDevice(device);
    plan.withGridScheduler(scheduler);
    launch(Kernel.TOUCH, 1);
  }

  private List<Kernel> kernels() {
    return Stream.of(Kernel.values())
        .filter(kernel -> arrays.hasLibrary() || !kernel.needsLibrary())
        .toList();
  }

  private ImmutableTaskGraph graph(Kernel kernel) {
    TaskGraph graph = new TaskGraph(kernel.toString());
    Object[] heaps = {arrays.floats(), arrays.shorts(), arrays.bytes(), arrays.ints()};
    Object[] resident = heaps;
    if (arrays.hasLibrary()) {
      LibraryProduct product = arrays.product();
      resident =
          Stream.concat(Stream.of(heaps), Stream.of(product.x(), product.w(), product.y()))
              .toArray();
    }
    if (kernel == Kernel.TOUCH) {
      graph.transferToDevice(DataTransferMode.FIRST_EXECUTION, resident);
    } else {
      graph.consumeFromDevice(resident);
    }
    if (kernel != Kernel.MULTIPLY_BY_LIBRARY) {
      graph.transferToDevice(DataTransferMode.EVERY_EXECUTION, parameters);
    }
    kernel.addTo(graph, new KernelContext(), parameters, arrays);
    if (kernel == Kernel.SAVE) {
      graph.transferToHost(DataTransferMode.EVERY_EXECUTION, heaps);
    }
    if (kernel == Kernel.TOUCH) {
      graph.persistOnDevice(resident);
    }
    return graph.snapshot();
  }

  @Override
  public void launch(Kernel kernel, int threads, int... first) {
    parameters.set(0, threads);
    for (int i = 0; i < first.length; i++) {
      parameters.set(i + 1, first[i]);
    }
    execute(kernel, Math.ceilDiv(threads, kernel.groupSize()) * kernel.groupSize());
  }

  @Override
  public void launchGroups(Kernel kernel, int groups, int... all) {
    for (int i = 0; i < all.length; i++) {
      parameters.set(i, all[i]);
    }
    execute(kernel, groups * kernel.groupSize());
  }

  @Override
  public void loadHeaps() {
    launch(Kernel.SAVE, 1);
  }

  private void execute(Kernel kernel, int threads) {
    grids[kernel.ordinal()].setGlobalWork(threads, 1, 1);
    long start = System.nanoTime();
    try {
      plan.withGraph(kernel.ordinal()).execute();
    } catch (RuntimeException | TornadoInternalError e) {
      throw new BackendException(
          "The device "
              + deviceName
              + " failed to run "
              + kernel
              + " ("
              + e.getMessage()
              + "); see whether it is still there and its driver runs, or use --backend cpu.",
          e);
    }
    if (compiled.add(kernel)) {
      clock.compiled(kernel, System.nanoTime() - start);
    }
  }

  @Override
  public void close() {
    try (plan) {
      for (Kernel kernel : kernels()) {
        // What this graph has are the heaps, which are the first one's to free.
        if (kernel != Kernel.SAVE) {
          plan.withGraph(kernel.ordinal()).freeDeviceMemory();
        }
      }
      plan.withGraph(Kernel.STORE_FEW_INTS.ordinal());
    } catch (TornadoExecutionPlanException | RuntimeException | TornadoInternalError e) {
      throw new BackendException(
          "The memory of " + deviceName + " could not be freed (" + e.getMessage() + ").", e);
    }
  }
}
