package io.github.vlm4j.backend.tornado.device;

import java.util.Locale;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM has found. */
final class Devices {

  private Devices() {}

  /** Returns the device that is taken when none is named. */
  static TornadoDevice first() {
    return TornadoRuntimeProvider.getTornadoRuntime().getBackend(0).getDevice(0);
  }

  /** Returns whether a device is a CPU. */
  static boolean isCpu(TornadoDevice device) {
    return device.getDeviceType() == TornadoDeviceType.CPU;
  }

  /** Returns a device's name, kind and memory. */
  static String describe(TornadoDevice device) {
    return String.format(
        Locale.ROOT,
        "%s (%s, %s, %d MiB)",
        device.getPhysicalDevice().getDeviceName().strip(),
        device.getTornadoVMBackend(),
        isCpu(device) ? "a CPU" : "an accelerator",
        device.getMaxGlobalMemory() >> 20);
  }
}
