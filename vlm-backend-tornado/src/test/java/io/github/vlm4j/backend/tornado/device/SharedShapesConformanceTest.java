package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Availability;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.WarmUpListener;
import io.github.vlm4j.core.conformance.BackendConformance;

/** The suite with the linear layers of a GPU, whatever the tests run on. */
@NeedsSdk
final class SharedShapesConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    Availability availability = new TornadoBackendProvider().availability();
    assertThat(availability.usable()).as(availability.detail()).isTrue();
    return new TornadoBackend(
        new DeviceHeaps(Devices.first()), LinearShapes.SHARED, WarmUpListener.NONE);
  }
}
