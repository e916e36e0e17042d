package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.conformance.BackendConformance;

/** The plain loops pass the suite, on two threads whatever the machine. */
final class ScalarConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    return new CpuBackend(new ScalarKernels(), 2);
  }
}
