package io.github.vlm4j.backend.tornado;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendDevice;
import io.github.vlm4j.core.backend.BackendOptions;
import java.util.List;

/**
 * What the provider asks of the part that knows TornadoVM. All methods may fail in any way that
 * loading and starting TornadoVM can fail, most of which are errors and not exceptions.
 */
public interface DeviceRuntime {

  /** Returns how many of TornadoVM's drivers, such as OpenCL's, have been found. */
  int drivers();

  /** Returns whether the device that is taken when none is named is a CPU. */
  boolean isCpu();

  /**
   * Computes something on the device that is taken when none is named and compares it.
   *
   * @return the device's name
   * @throws IllegalStateException if the numbers are wrong
   */
  String test();

  /** Returns the devices, the one that is taken when none is named first. */
  List<BackendDevice> devices();

  /** Opens a backend on the device that the options name, one of {@link #devices}. */
  Backend open(BackendOptions options);
}
