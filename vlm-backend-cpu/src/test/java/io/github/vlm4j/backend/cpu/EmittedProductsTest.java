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
import java.util.List;
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

/** Where a backend with emitted kernels computes otherwise than one without, and where not. */
@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"dot products", "tiles", "words"})
class EmittedProductsTest {

  @Parameter String products;

  private static final int INPUTS = 300;
  private static final int OUTPUTS = 150;

  private @Nullable EmittedKernels emitted;

  @BeforeEach
  void emit() {
    Set<Products> used =
        switch (products) {
          case "tiles" -> Set.of(Products.BF16, Products.TILES);
          case "words" -> Set.of(Products.WORDS);
          default -> Set.of(Products.BF16);
        };
    emitted = EmittedKernels.make(KernelSelection.select(0), used).orElse(null);
    assumeThat(emitted).isNotNull();
    assumeThat(emitted.name().contains("amx")).isEqualTo(products.equals("tiles"));
    assumeThat(products.equals("words") && emitted.name().contains("avx512")).isFalse();
  }

  private void assumeProductsForBf16() {
    assumeThat(emitted == null ? null : emitted.rounded(DType.BF16))
        .as("products for bf16, which this processor may not have")
        .isNotNull();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16"})
  void weightsOfOtherTypesAreMultipliedInF32ToTheSameBits(DType type) {
    assumeThat(products).as("tiles multiply parts of these").isNotEqualTo("tiles");
    for (int rows : new int[] {1, 9, 20, 159, 300}) {
      assertThat(run(type, rows, emitted, 2)).isEqualTo(run(type, rows, null, 2));
    }
  }

  @ParameterizedTest
  @CsvSource({"F16, 0x1p-17", "F32, 5e-7"})
  void tilesOfPartsDifferFromF32ByLittleMoreThanItsSums(DType type, double most) {
    assumeThat(products).isEqualTo("tiles");
    for (int rows : new int[] {9, 20, 159, 1100}) {
      float[] inParts = run(type, rows, emitted, 2);

      assertThat(inParts).isEqualTo(run(type, rows, emitted, 5));
      assertThat(Differences.relative(inParts, run(type, rows, null, 2))).isBetween(1e-8, most);
    }
  }

  @Test
  void fewRowsAreMultipliedInF32ToTheSameBits() {
    RoundedLoops loops = emitted == null ? null : emitted.rounded(DType.BF16);
    int least = loops == null ? Integer.MAX_VALUE : loops.leastInputs(DType.BF16);
    int most = Math.min(least - 1, Lowering.MOST_MAT_VEC_ROWS);
    for (int rows : new int[] {1, 2, most}) {
      assertThat(run(DType.BF16, rows, emitted, 2)).isEqualTo(run(DType.BF16, rows, null, 2));
    }
    if (loops != null) {
      assertThat(run(DType.BF16, least, emitted, 2)).isNotEqualTo(run(DType.BF16, least, null, 2));
    }
  }

  @ParameterizedTest
  @CsvSource({"40, 5e-3", "160, 5e-3", "1100, 5e-3"})
  void manyRowsWithBf16WeightsDifferByTheRoundingOfInputsOnly(int rows, double most) {
    assumeProductsForBf16();
    float[] rounded = run(DType.BF16, rows, emitted, 2);
    float[] exact = run(DType.BF16, rows, null, 2);

    // In bf16 an input is off by at most 2⁻⁹ of itself, in steps by less than that of the greatest;
    // it is not off at all by chance only.
    assertThat(Differences.relative(rounded, exact)).isBetween(1e-4, most);
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 170, 1100})
  void resultsAreTheSameOnAnyNumberOfThreads(int rows) {
    float[] one = run(DType.BF16, rows, emitted, 1);

    assertThat(run(DType.BF16, rows, emitted, 2)).isEqualTo(one);
    assertThat(run(DType.BF16, rows, emitted, 5)).isEqualTo(one);
  }

  @ParameterizedTest
  @CsvSource({"40, 1", "40, 2", "1100, 3"})
  void layersOfOneInputAreComputedTogetherAsEachAlone(int rows, int threads) {
    int[] outputs = {OUTPUTS, 700, 3};

    List<float[]> together = run(DType.BF16, rows, emitted, threads, outputs);

    for (int i = 0; i < outputs.length; i++) {
      int[] alone = new int[outputs.length];
      alone[i] = outputs[i];
      assertThat(together.get(i))
          .as("layer " + i)
          .isEqualTo(run(DType.BF16, rows, emitted, threads, alone).getFirst());
    }
  }

  private static float[] run(DType type, int rows, @Nullable EmittedKernels emitted, int threads) {
    return run(type, rows, emitted, threads, OUTPUTS).getFirst();
  }

  /** Runs a layer for each number of outputs but 0, all of one input. */
  private static List<float[]> run(
      DType type, int rows, @Nullable EmittedKernels emitted, int threads, int... outputs) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, INPUTS);
    try (RandomWeights weights = new RandomWeights(type);
        CpuBackend backend =
            new CpuBackend(KernelSelection.select(0), Emission.of(emitted), threads)) {
      for (int i = 0; i < outputs.length; i++) {
        if (outputs[i] > 0) {
          var bias = weights.require("bias" + i, Shape.of(outputs[i]));
          var weight = weights.require("w" + i, Shape.of(outputs[i], INPUTS));
          g.output("y" + i, g.linear(x, weight, bias));
        }
      }
      try (Executable executable = backend.compile(g.build(), weights)) {
        Random random = new Random(3);
        for (int i = 0; i < rows * INPUTS; i++) {
          executable.input("x").setFloat(i, (float) random.nextGaussian());
        }
        executable.run();
        return executable.outputs().stream()
            .sorted()
            .map(name -> executable.output(name).toFloats())
            .toList();
      }
    }
  }
}
