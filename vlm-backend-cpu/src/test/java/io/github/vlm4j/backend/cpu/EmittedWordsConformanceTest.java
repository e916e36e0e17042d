package io.github.vlm4j.backend.cpu;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.conformance.BackendConformance;
import io.github.vlm4j.core.conformance.Tolerance;
import io.github.vlm4j.core.tensor.DType;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;

/**
 * Emitted kernels with products of numbers of 16 bits pass the suite where the processor has AVX2
 * and nothing better. They round, which the tolerance allows for; {@link EmittedProductsTest} holds
 * everything else to f32.
 */
final class EmittedWordsConformanceTest extends BackendConformance {

  @Override
  protected Backend open() {
    Kernels kernels = KernelSelection.select(0);
    EmittedKernels emitted = EmittedKernels.make(kernels, Set.of(Products.WORDS)).orElse(null);
    Assumptions.assumeTrue(
        emitted != null && emitted.rounded(DType.BF16) != null, "No words are multiplied here");
    return new CpuBackend(kernels, Emission.of(emitted), 2);
  }

  @Override
  protected Tolerance tolerance() {
    return Tolerance.INT16;
  }
}
