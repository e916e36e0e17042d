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
 * Emitted kernels with products of tiles pass the suite where the processor has what they need.
 * They round inputs to bf16, which the tolerance allows for; {@link EmittedProductsTest} holds
 * everything else to f32.
 */
final class EmittedTilesConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    Kernels kernels = KernelSelection.select(0);
    EmittedKernels emitted =
        EmittedKernels.make(kernels, Set.of(Products.BF16, Products.TILES)).orElse(null);
    Assumptions.assumeTrue(
        emitted != null && emitted.name().contains("amx"), "No tiles can be multiplied here");
    return new CpuBackend(kernels, Emission.of(emitted), 2);
  }

  @Override
  protected Tolerance tolerance() {
    return Tolerance.BF16;
  }
}
