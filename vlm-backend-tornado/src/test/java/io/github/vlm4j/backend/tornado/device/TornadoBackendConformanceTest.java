package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.conformance.BackendConformance;

@NeedsSdk
final class TornadoBackendConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    return new TornadoBackendProvider().open(BackendOptions.DEFAULT);
  }
}
