package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.DeviceRuntime;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendDevice;
import io.github.vlm4j.core.backend.BackendOptions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** Starts TornadoVM; found by name, see {@link DeviceRuntime}. */
public final class TornadoDeviceRuntime implements DeviceRuntime {

  private final Map<TornadoDevice, DeviceHeaps> heaps = new ConcurrentHashMap<>();

  /** Creates the runtime; nothing of TornadoVM is started yet. */
  public TornadoDeviceRuntime() {}

  @Override
  public int drivers() {
    return TornadoRuntimeProvider.getTornadoRuntime().getNumBackends();
  }

  @Override
  public boolean isCpu() {
    return Devices.isCpu(Devices.first());
  }

  @Override
  public String test() {
    TornadoDevice device = Devices.first();
    SelfTest.run(device);
    return Devices.describe(device);
  }

  @Override
  public List<BackendDevice> devices() {
    return Devices.list();
  }

  @Override
  public Backend open(BackendOptions options) {
    TornadoDevice device = Devices.named(options.device());
    return new TornadoBackend(
        heaps.computeIfAbsent(device, DeviceHeaps::new),
        Devices.isCpu(device) ? LinearShapes.PLAIN : LinearShapes.SHARED,
        options.warmUp());
  }
}
