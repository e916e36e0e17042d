package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.conformance.BackendConformance;

/**
 * The vectors of the width that the JVM was started with pass the suite; the build runs this class
 * once for each width.
 */
final class VectorConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    return new CpuBackend(KernelSelection.select(0), 2);
  }
}
