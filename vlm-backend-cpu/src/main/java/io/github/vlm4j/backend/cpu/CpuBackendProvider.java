package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;

/**
 * Offers the CPU backend, which runs everywhere. It computes with the Vector API if the JVM was
 * started with {@code --add-modules jdk.incubator.vector}, and with plain loops otherwise and for
 * models of less than 16 MiB. The system property {@code vlm.cpu.vector.bits} (128, 256, 512, or
 * preferred for the width that suits the processor; 0 for plain loops) overrides both.
 *
 * <p>Where the processor has dot-product instructions that the Vector API does not reach, code for
 * them is made when the backend is opened, unless the system property {@code vlm.cpu.emitted} is
 * {@code off}: linear layers of many rows with bf16 or quantised weights then round to bf16.
 */
public final class CpuBackendProvider implements BackendProvider {

  static final String NAME = "cpu";

  /** Creates the provider; {@link java.util.ServiceLoader} does. */
  public CpuBackendProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  /** Returns 0: any accelerator goes before. */
  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Availability availability() {
    try {
      return Availability.yes(CpuBackend.describe(KernelSelection.select(0), Cores.physical()));
    } catch (BackendException e) {
      return Availability.no(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public Backend open(BackendOptions options) {
    int threads = options.threads() > 0 ? options.threads() : Cores.physical();
    Kernels kernels = KernelSelection.select(options.weightBytes());
    return new CpuBackend(kernels, KernelSelection.emission(kernels), threads);
  }
}
