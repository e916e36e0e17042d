package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The heaps of a device and what runs on them, for all backends that are open on it, so that
 * kernels are compiled once. A heap that is too small is replaced by a larger one, by way of the
 * host; what lies in it keeps its place. After a launch that fails, or a read that is not answered,
 * nothing that lies on the device is relied upon any more: all use is refused until every backend
 * has been closed. All methods take this object's monitor; a run of many launches holds it
 * throughout.
 */
final class DeviceHeaps {

  private static final Logger LOG = LoggerFactory.getLogger(DeviceHeaps.class);

  private static final Map<HeapKind, Integer> INITIAL =
      Map.of(
          HeapKind.FLOATS, 1 << 24,
          HeapKind.SHORTS, 1 << 22,
          HeapKind.BYTES, 1 << 22,
          HeapKind.INTS, 1 << 20);

  private static final int GREATEST = Integer.MAX_VALUE - 63;

  /** Tickets are below this, so that an f32 holds them. */
  private static final int TICKETS = 1 << 24;

  private final TornadoDevice device;
  private final KernelLauncher.Opener opener;
  private final CompileClock clock;
  private final Map<HeapKind, Heap> heaps = new EnumMap<>(HeapKind.class);
  private final HostArrays.Staged staged;
  private HostArrays arrays;
  private @Nullable KernelLauncher launcher;
  private @Nullable String loss;
  private boolean silent;
  private int backends;
  private int ticket;
  private long launches;
  private boolean grown;

  /** Puts small heaps on a device. */
  DeviceHeaps(TornadoDevice device) {
    this(device, KernelPlan::new, LibraryProduct.find(device));
  }

  /**
   * Puts small heaps on a device.
   *
   * @param opener of what runs kernels
   * @param product of a library, if there is one
   */
  DeviceHeaps(
      TornadoDevice device, KernelLauncher.Opener opener, @Nullable LibraryProduct product) {
    this.device = device;
    this.opener = opener;
    this.staged = HostArrays.Staged.create(product);
    this.clock = new CompileClock(Devices.describe(device));
    INITIAL.forEach((kind, capacity) -> heaps.put(kind, new Heap(capacity)));
    arrays = HostArrays.allocate(heaps, staged);
  }

  /**
   * Counts a backend that uses the heaps.
   *
   * @param listener told what is compiled while it does
   * @throws BackendException if the device is lost and not all have noticed
   */
  synchronized void open(WarmUpListener listener) {
    requirePresent();
    backends++;
    clock.add(listener);
  }

  /**
   * Counts a backend that has given back all it took. After the last, heaps that have grown are
   * freed, and those of a device that was lost; others stay for the sake of their compiled kernels.
   */
  synchronized void close(WarmUpListener listener) {
    backends--;
    clock.remove(listener);
    if (backends == 0 && (grown || loss != null)) {
      closeLauncher();
      INITIAL.forEach((kind, capacity) -> heaps.put(kind, new Heap(capacity)));
      arrays.free();
      arrays = HostArrays.allocate(heaps, staged);
      grown = false;
      loss = null;
      silent = false;
    }
  }

  /**
   * Checks that nothing has happened to what lies on the device.
   *
   * @throws BackendException if it is lost
   */
  synchronized void requirePresent() {
    if (loss != null) {
      throw new BackendException(
          "The device "
              + name()
              + " was lost, and all that lay on it ("
              + loss
              + "); close every model on it before one is opened again, or use --backend cpu.");
    }
  }

  /** Returns the device. */
  TornadoDevice device() {
    return device;
  }

  /** Returns the product of a library, if there is one. */
  @Nullable LibraryProduct product() {
    return staged.product();
  }

  /** Returns the bytes of all heaps, and of what a library reads and writes. */
  synchronized long bytes() {
    LibraryProduct product = staged.product();
    long bytes = product == null ? 0 : product.bytes();
    for (HeapKind kind : HeapKind.values()) {
      bytes += bytes(kind, heap(kind).capacity());
    }
    return bytes;
  }

  /**
   * Takes a part of a heap.
   *
   * @param what what it is for, for the error
   * @throws BackendException if the device has not enough memory
   */
  synchronized Region take(HeapKind kind, long count, String what) {
    Heap heap = heap(kind);
    int at = count > GREATEST ? -1 : heap.take((int) count);
    if (at < 0) {
      grow(kind, count, what);
      at = heap.take((int) count);
    }
    return new Region(kind, at, (int) count);
  }

  /** Takes a part back. */
  synchronized void release(Region region) {
    heap(region.kind()).release(region.at(), region.count());
  }

  /** Runs a kernel; see {@link KernelLauncher#launch}. */
  synchronized void launch(Kernel kernel, int threads, int... first) {
    if (threads > 0) {
      run(open -> open.launch(kernel, threads, first));
    }
  }

  /** Runs a kernel of work-groups; see {@link KernelLauncher#launchGroups}. */
  synchronized void launchGroups(Kernel kernel, int groups, int... all) {
    if (groups > 0) {
      run(open -> open.launchGroups(kernel, groups, all));
    }
  }

  private void run(Consumer<KernelLauncher> launch) {
    requirePresent();
    try {
      KernelLauncher open = launcher;
      if (open == null) {
        open = opener.open(device, arrays, clock);
        launcher = open;
      }
      launches++;
      launch.accept(open);
    } catch (BackendException e) {
      loss = e.getMessage();
      throw e;
    }
  }

  /** Returns how often a kernel has been run. */
  synchronized long launches() {
    return launches;
  }

  /** Copies f32 from the host. */
  synchronized void storeFloats(int at, MemorySegment source, long offset, int count) {
    int stored = 0;
    while (stored < count) {
      boolean few = count - stored <= HostArrays.FEW;
      FloatArray array = few ? staged.fewFloats() : staged.manyFloats();
      int part = Math.min(count - stored, array.getSize());
      MemorySegment.copy(
          source, offset + stored * 4L, array.getSegment(), 0, part * (long) Float.BYTES);
      launch(few ? Kernel.STORE_FEW_FLOATS : Kernel.STORE_MANY_FLOATS, part, at + stored);
      stored += part;
    }
  }

  /** Copies integers from the host. */
  synchronized void storeInts(int at, int[] source) {
    int stored = 0;
    while (stored < source.length) {
      boolean few = source.length - stored <= HostArrays.FEW;
      IntArray array = few ? staged.fewInts() : staged.manyInts();
      int part = Math.min(source.length - stored, array.getSize());
      MemorySegment.copy(source, stored, array.getSegment(), Tensor.I32, 0, part);
      launch(few ? Kernel.STORE_FEW_INTS : Kernel.STORE_MANY_INTS, part, at + stored);
      stored += part;
    }
  }

  /** Copies 16-bit patterns from the host. */
  synchronized void storeShorts(int at, MemorySegment source, int count) {
    int stored = 0;
    while (stored < count) {
      ShortArray array = staged.shorts();
      int part = Math.min(count - stored, array.getSize());
      MemorySegment.copy(source, stored * 2L, array.getSegment(), 0, part * 2L);
      launch(Kernel.STORE_SHORTS, part, at + stored);
      stored += part;
    }
  }

  /** Copies bytes from the host. */
  synchronized void storeBytes(int at, byte[] source) {
    int stored = 0;
    while (stored < source.length) {
      ByteArray array = staged.bytes();
      int part = Math.min(source.length - stored, array.getSize());
      MemorySegment.copy(MemorySegment.ofArray(source), stored, array.getSegment(), 0, part);
      launch(Kernel.STORE_BYTES, part, at + stored);
      stored += part;
    }
  }

  /**
   * Copies f32 to the host.
   *
   * @throws BackendException if the device does not answer: a driver may fail without an error, so
   *     that the numbers of an earlier launch would be taken for those of this one
   */
  synchronized void loadFloats(int at, MemorySegment target, long offset, int count) {
    int loaded = 0;
    while (loaded < count) {
      boolean few = count - loaded <= HostArrays.FEW;
      FloatArray array = few ? staged.fewResults() : staged.manyResults();
      int last = array.getSize() - 1;
      int part = Math.min(count - loaded, last);
      ticket = (ticket + 1) % TICKETS;
      launch(
          few ? Kernel.LOAD_FEW_FLOATS : Kernel.LOAD_MANY_FLOATS, part, at + loaded, last, ticket);
      if (array.get(last) != ticket) {
        throw silence();
      }
      MemorySegment.copy(
          array.getSegment(), 0, target, offset + loaded * 4L, part * (long) Float.BYTES);
      loaded += part;
    }
  }

  private BackendException silence() {
    silent = true;
    loss = "it no longer answers";
    return new BackendException(
        "The device "
            + name()
            + " no longer answers; see whether it is still there and its driver runs, or use"
            + " --backend cpu.");
  }

  private void closeLauncher() {
    KernelLauncher open = launcher;
    launcher = null;
    if (open != null && loss == null) {
      open.close();
    } else if (open != null) {
      closeLost(open);
    }
  }

  /**
   * Frees what lies on a device that has failed but still answers. Of one that did not answer
   * nothing is freed: TornadoVM would release events that OpenCL never made, and end the JVM.
   */
  private void closeLost(KernelLauncher open) {
    int last = HostArrays.FEW;
    ticket = (ticket + 1) % TICKETS;
    try {
      if (!silent) {
        open.launch(Kernel.LOAD_FEW_FLOATS, 1, 0, last, ticket);
        if (staged.fewResults().get(last) == ticket) {
          open.close();
          return;
        }
      }
      LOG.debug("What lies on {} is left there, as it does not answer", name());
    } catch (BackendException e) {
      LOG.debug("What lies on {} is left there", name(), e);
    }
  }

  private String name() {
    return device.getPhysicalDevice().getDeviceName().strip();
  }

  private void grow(HeapKind kind, long count, String what) {
    Heap heap = heap(kind);
    long least = heap.capacity() + count + 64;
    long others = bytes() - bytes(kind, heap.capacity());
    long room =
        Math.min(device.getMaxGlobalMemory() - others, device.getMaxAllocMemory()) / kind.bytes()
            - 1024;
    long most = Math.min(room, GREATEST);
    if (least > most) {
      throw new BackendException(
          what
              + " needs "
              + mebibytes(bytes(kind, count))
              + " on "
              + name()
              + ", where "
              + mebibytes(bytes())
              + " of "
              + mebibytes(device.getMaxGlobalMemory())
              + " are taken and "
              + mebibytes(device.getMaxAllocMemory())
              + " can be taken as one; use a smaller or a quantised model, a shorter context or"
              + " --backend cpu.");
    }
    long larger = Math.clamp(heap.capacity() * 3L / 2, least, most);
    replace(kind, (int) larger);
  }

  private void replace(HeapKind kind, int capacity) {
    boolean loaded = launcher != null;
    if (loaded) {
      run(KernelLauncher::loadHeaps);
      // What came back is only the heaps if the device is still there.
      loadFloats(0, MemorySegment.ofArray(new float[1]), 0, 1);
    }
    closeLauncher();
    grown = true;
    heap(kind).grow(capacity);
    arrays = arrays.grown(kind, heaps, loaded);
  }

  private Heap heap(HeapKind kind) {
    Heap heap = heaps.get(kind);
    if (heap == null) {
      throw new IllegalStateException("There is no heap of " + kind);
    }
    return heap;
  }

  private static long bytes(HeapKind kind, long count) {
    return count * kind.bytes();
  }

  private static String mebibytes(long bytes) {
    return Math.ceilDiv(bytes, 1L << 20) + " MiB";
  }
}
