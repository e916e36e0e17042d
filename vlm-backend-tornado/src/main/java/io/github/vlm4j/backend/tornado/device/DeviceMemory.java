package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.backend.WarmUpListener;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** What one backend holds of the heaps of a device; closing it gives all of it back. */
final class DeviceMemory implements AutoCloseable {

  private final DeviceHeaps heaps;
  private final WarmUpListener listener;
  private final Set<Region> taken = new HashSet<>();
  private boolean closed;

  DeviceMemory(DeviceHeaps heaps, WarmUpListener listener) {
    this.heaps = heaps;
    this.listener = listener;
    heaps.open(listener);
  }

  /** Returns what a run of many launches synchronises on. */
  Object monitor() {
    return heaps;
  }

  /** Returns the device. */
  TornadoDevice device() {
    return heaps.device();
  }

  /** Returns the product of a library, if the device has one. */
  @Nullable LibraryProduct product() {
    return heaps.product();
  }

  /**
   * Takes a part of a heap.
   *
   * @param what what it is for, for the error
   * @throws io.github.vlm4j.core.BackendException if the device has not enough memory
   */
  Region take(HeapKind kind, long count, String what) {
    synchronized (heaps) {
      requireOpen();
      Region region = heaps.take(kind, count, what);
      taken.add(region);
      return region;
    }
  }

  /** Gives a part back. */
  void release(Region region) {
    synchronized (heaps) {
      if (taken.remove(region)) {
        heaps.release(region);
      }
    }
  }

  /** Runs a kernel; see {@link KernelLauncher#launch}. */
  void launch(Kernel kernel, int threads, int... first) {
    heaps.launch(kernel, threads, first);
  }

  /** Runs a kernel of work-groups; see {@link KernelLauncher#launchGroups}. */
  void launchGroups(Kernel kernel, int groups, int... all) {
    heaps.launchGroups(kernel, groups, all);
  }

  /** Returns how often a kernel has been run on the device. */
  long launches() {
    return heaps.launches();
  }

  /** Copies f32 from the host. */
  void storeFloats(int at, MemorySegment source, long offset, int count) {
    heaps.storeFloats(at, source, offset, count);
  }

  /** Copies integers from the host. */
  void storeInts(int at, int[] source) {
    heaps.storeInts(at, source);
  }

  /** Copies 16-bit patterns from the host. */
  void storeShorts(int at, MemorySegment source, int count) {
    heaps.storeShorts(at, source, count);
  }

  /** Copies bytes from the host. */
  void storeBytes(int at, byte[] source) {
    heaps.storeBytes(at, source);
  }

  /** Copies f32 to the host. */
  void loadFloats(int at, MemorySegment target, long offset, int count) {
    heaps.loadFloats(at, target, offset, count);
  }

  @Override
  public void close() {
    synchronized (heaps) {
      if (!closed) {
        closed = true;
        List.copyOf(taken).forEach(this::release);
        heaps.close(listener);
      }
    }
  }

  /** Checks that the backend has not been closed and that its device is still there. */
  void requireOpen() {
    synchronized (heaps) {
      if (closed) {
        throw new IllegalStateException("The tornado backend is closed");
      }
      heaps.requirePresent();
    }
  }
}
