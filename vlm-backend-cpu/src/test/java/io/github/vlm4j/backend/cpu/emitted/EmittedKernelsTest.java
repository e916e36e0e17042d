package io.github.vlm4j.backend.cpu.emitted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.tensor.DType;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is emitted for which processor; products that are left out stand for one without them. */
class EmittedKernelsTest {

  @BeforeEach
  void assumeVnni() {
    assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
    assumeThat(CpuFeatures.ask().vnni()).as("AVX-512 VNNI").isTrue();
  }

  @Test
  void withoutProductsOfBf16QuantisedWeightsAreStillMultipliedAsBytes() {
    EmittedKernels kernels = make(EnumSet.complementOf(EnumSet.of(Products.BF16)));

    assertThat(kernels.name()).isEqualTo("emitted (avx512_vnni)");
    assertThat(kernels.rounded(DType.Q4_K)).isInstanceOf(Int8Loops.class);
    assertThat(kernels.rounded(DType.BF16)).isNull();
    assertThat(kernels.attention(1)).isNull();
  }

  @Test
  void withoutEitherWhatAvx2HasIsEmitted() {
    EmittedKernels kernels = make(EnumSet.noneOf(Products.class));

    assertThat(kernels.name()).isEqualTo("emitted (avx2)");
    assertThat(kernels.rounded(DType.Q4_K)).isNull();
  }

  @Test
  void withBothQuantisedWeightsAreBytesAndOthersBf16() {
    assumeThat(CpuFeatures.ask().bf16()).as("AVX-512 BF16").isTrue();

    EmittedKernels kernels = make(EnumSet.of(Products.BF16, Products.BYTES));

    assertThat(kernels.name()).isEqualTo("emitted (avx512_bf16, avx512_vnni)");
    assertThat(kernels.rounded(DType.Q8_0)).isInstanceOf(Int8Loops.class);
    assertThat(kernels.rounded(DType.BF16)).isInstanceOf(Bf16Loops.class);
  }

  private static EmittedKernels make(Set<Products> products) {
    EmittedKernels kernels = EmittedKernels.make(new ScalarKernels(), products).orElse(null);
    assumeThat(kernels).as("code that can be made").isNotNull();
    return kernels;
  }
}
