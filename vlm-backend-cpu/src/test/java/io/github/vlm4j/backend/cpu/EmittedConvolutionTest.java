package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.kernel.RoundedLoops;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where convolutions with emitted kernels are computed otherwise than without, and where not. */
@ParameterizedClass(name = "tiles: {0}")
@ValueSource(booleans = {false, true})
class EmittedConvolutionTest {

  @Parameter boolean tiles;

  private @Nullable EmittedKernels emitted;

  @BeforeEach
  void emit() {
    Set<Products> used = tiles ? Set.of(Products.BF16, Products.TILES) : Set.of(Products.BF16);
    emitted = EmittedKernels.make(KernelSelection.select(0), used).orElse(null);
    assumeThat(emitted).isNotNull();
    assumeThat(emitted.name().contains("amx")).isEqualTo(tiles);
    RoundedLoops rounded = emitted.rounded(DType.BF16);
    assumeThat(rounded == null ? null : rounded.winograd())
        .as("transforms to bf16, which this processor may not have")
        .isNotNull();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void kernelsOfOtherTypesAreAppliedInF32ToTheSameBitsUnlessTilesMultiplyTheirParts(DType type) {
    float[] applied = run(type, 3, 20, 64, 64, emitted, 2);
    float[] inF32 = run(type, 3, 20, 64, 64, null, 2);

    if (tiles) {
      assertThat(applied).isEqualTo(run(type, 3, 20, 64, 64, emitted, 5));
      assertThat(Differences.relative(applied, inF32))
          .isBetween(1e-8, type == DType.F16 ? 0x1p-17 : 5e-7);
    } else {
      assertThat(applied).isEqualTo(inF32);
    }
  }

  @ParameterizedTest(name = "{0} pictures of {1}×{1}, {2} → {3}")
  @CsvSource({
    "1, 7, 64, 300",
    "2, 20, 64, 64",
    "1, 33, 40, 80",
    "3, 25, 200, 16",
    "3, 60, 256, 16"
  })
  void kernelsInBf16DifferByRoundingOnly(int pictures, int side, int in, int out) {
    float[] rounded = run(DType.BF16, pictures, side, in, out, emitted, 2);
    float[] exact = run(DType.BF16, pictures, side, in, out, null, 2);

    // The root of the mean square of what numbers are off by in bf16 is 1.6e-3 of themselves. Of
    // 15 terms in place of 9 all windows are rounded, and the kernels of nine of them.
    assertThat(Differences.relative(rounded, exact)).isBetween(1.5e-3, 3.5e-3);
  }

  @ParameterizedTest(name = "{0} pictures of {1}×{1}, {2} → {3}")
  @CsvSource({
    "1, 7, 64, 300",
    "2, 20, 64, 64",
    "1, 33, 40, 80",
    "3, 25, 200, 16",
    "3, 60, 256, 16"
  })
  void resultsAreTheSameOnAnyNumberOfThreads(int pictures, int side, int in, int out) {
    float[] one = run(DType.BF16, pictures, side, in, out, emitted, 1);

    assertThat(run(DType.BF16, pictures, side, in, out, emitted, 2)).isEqualTo(one);
    assertThat(run(DType.BF16, pictures, side, in, out, emitted, 5)).isEqualTo(one);
  }

  @Test
  void aPictureGivesTheSameResultsAloneAndAmongOthers() {
    float[] together = run(DType.BF16, 5, 14, 128, 64, emitted, 2);
    float[] alone = run(DType.BF16, 1, 14, 128, 64, emitted, 2);

    assertThat(together).startsWith(alone);
  }

  private static float[] run(
      DType type,
      int pictures,
      int side,
      int in,
      int out,
      @Nullable EmittedKernels emitted,
      int threads) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, pictures, side, side, in);
    try (RandomWeights weights = new RandomWeights(type);
        CpuBackend backend =
            new CpuBackend(KernelSelection.select(0), Emission.of(emitted), threads)) {
      var bias = weights.require("bias", Shape.of(out));
      g.output("y", g.convolve(x, weights.require("w", Shape.of(out, 3, 3, in)), bias, 1, 1));
      try (Executable executable = backend.compile(g.build(), weights)) {
        Random random = new Random(3);
        for (int i = 0; i < pictures * side * side * in; i++) {
          executable.input("x").setFloat(i, (float) random.nextGaussian());
        }
        executable.run();
        return executable.output("y").toFloats();
      }
    }
  }
}
