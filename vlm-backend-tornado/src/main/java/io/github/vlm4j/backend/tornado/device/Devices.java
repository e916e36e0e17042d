package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.BackendDevice;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoBackend;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.TornadoDeviceType;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM has found, by the numbers of their driver and of their own. */
final class Devices {

  private Devices() {}

  /**
   * Returns the device that is taken when none is named: the first that is no CPU, or else the
   * first.
   */
  static TornadoDevice first() {
    Map<String, TornadoDevice> all = all();
    return all.values().stream()
        .filter(device -> !isCpu(device))
        .findFirst()
        .or(() -> all.values().stream().findFirst())
        .orElseThrow(() -> new BackendException("TornadoVM has found no device."));
  }

  /**
   * Returns a device.
   *
   * @param id as {@code 0:1}; null for the one that is taken when none is named
   */
  static TornadoDevice named(@Nullable String id) {
    TornadoDevice device = id == null ? first() : all().get(id);
    if (device == null) {
      throw new BackendException("TornadoVM has found no device " + id + ".");
    }
    return device;
  }

  /** Returns all devices, the one that is taken when none is named first. */
  static List<BackendDevice> list() {
    TornadoDevice first = first();
    return all().entrySet().stream()
        .sorted((a, b) -> Boolean.compare(b.getValue().equals(first), a.getValue().equals(first)))
        .map(entry ->
            new BackendDevice(
                entry.getKey(), describe(entry.getValue()), entry.getValue().getMaxGlobalMemory()))
        .toList();
  }

  /** Returns whether a device is a CPU. */
  static boolean isCpu(TornadoDevice device) {
    return device.getDeviceType() == TornadoDeviceType.CPU;
  }

  /** Returns a device's name and kind, and how it is driven. */
  static String describe(TornadoDevice device) {
    return device.getPhysicalDevice().getDeviceName().strip()
        + " ("
        + device.getDeviceType()
        + ", "
        + device.getTornadoVMBackend()
        + ")";
  }

  private static Map<String, TornadoDevice> all() {
    TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
    Map<String, TornadoDevice> devices = new LinkedHashMap<>();
    for (int driver = 0; driver < runtime.getNumBackends(); driver++) {
      TornadoBackend backend = runtime.getBackend(driver);
      for (int device = 0; device < backend.getNumDevices(); device++) {
        devices.put(driver + ":" + device, backend.getDevice(device));
      }
    }
    return devices;
  }
}
