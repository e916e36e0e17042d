package io.github.vlm4j.backend.tornado.device;

import io.github.vlm4j.backend.tornado.TornadoBackendProvider;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.conformance.BackendConformance;
import io.github.vlm4j.core.tensor.DType;
import java.util.EnumSet;
import java.util.Set;

final class TornadoBackendConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    return new TornadoBackendProvider().open(BackendOptions.DEFAULT);
  }

  @Override
  protected Set<DType> cacheTypes() {
    return EnumSet.of(DType.F32);
  }
}
