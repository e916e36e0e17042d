package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.conformance.BackendConformance;
import io.github.vlm4j.core.conformance.Tolerance;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;

/**
 * Emitted kernels that multiply quantised weights as bytes, and nothing as bf16, pass the suite
 * where the processor has what they need. They round, which the tolerance allows for; {@link
 * EmittedProductsTest} holds everything else to f32.
 */
final class EmittedBytesConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    Kernels kernels = KernelSelection.select(0);
    EmittedKernels emitted = EmittedKernels.make(kernels, Set.of(Products.BYTES)).orElse(null);
    Assumptions.assumeTrue(emitted != null, "No kernels can be emitted here");
    return new CpuBackend(kernels, Emission.of(emitted), 2);
  }

  @Override
  protected Tolerance tolerance() {
    return Tolerance.INT8;
  }
}
