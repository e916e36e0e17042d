package io.github.vlm4j.backend.tornado;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendDevice;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.BackendProvider;
import java.util.List;

/**
 * Offers the backend on TornadoVM. It can run if this module was built with TornadoVM's API, the
 * JVM was started with TornadoVM's argument file, a driver finds a device, and a small kernel
 * computes the right numbers on it. What was found out is kept, as TornadoVM's classes cannot be
 * started again after a failure.
 */
public final class TornadoBackendProvider implements BackendProvider {

  static final String NAME = "tornado";

  /** Set by TornadoVM's argument file. */
  private static final String STARTED_WITH_ARGUMENT_FILE = "tornado.load.api.implementation";

  /** Creates the provider; {@link java.util.ServiceLoader} does. */
  public TornadoBackendProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  /**
   * Returns a rank above the CPU backend's if the device is an accelerator, and one below if it is
   * a CPU, on which that backend is faster.
   */
  @Override
  public int priority() {
    return System.getProperty(STARTED_WITH_ARGUMENT_FILE) != null
            && Probe.OF_THIS_JVM.findsAccelerator()
        ? 100
        : -100;
  }

  @Override
  public Availability availability() {
    return Probe.OF_THIS_JVM.availability();
  }

  @Override
  public List<BackendDevice> devices() {
    return availability().usable() ? Probe.OF_THIS_JVM.runtime().devices() : List.of();
  }

  @Override
  public Backend open(BackendOptions options) {
    Availability availability = availability();
    if (!availability.usable()) {
      throw new BackendException(availability.detail());
    }
    return Probe.OF_THIS_JVM.runtime().open(options);
  }
}
