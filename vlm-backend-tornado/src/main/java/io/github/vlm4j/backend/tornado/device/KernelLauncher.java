package io.github.vlm4j.backend.tornado.device;

import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** Runs kernels over the heaps of a device. Not safe for use by several threads at once. */
interface KernelLauncher extends AutoCloseable {

  /** Puts heaps on a device as they are on the host. */
  @FunctionalInterface
  interface Opener {
    KernelLauncher open(TornadoDevice device, HostArrays arrays, CompileClock clock);
  }

  /**
   * Runs a kernel.
   *
   * @param threads how many threads, rounded up to whole work-groups
   * @param first what the kernel finds in its first places
   */
  void launch(Kernel kernel, int threads, int... first);

  /**
   * Runs a kernel of work-groups.
   *
   * @param groups how many work-groups
   * @param all what the kernel finds in its parameters
   */
  void launchGroups(Kernel kernel, int groups, int... all);

  /** Copies all heaps to the host's arrays. */
  void loadHeaps();

  /** Frees the heaps on the device. */
  @Override
  void close();
}
