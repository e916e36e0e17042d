package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.Weight;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What products read is computed as it is rounded for them. With another operation in between it is
 * computed before, and all bits have to be the same.
 */
@ParameterizedClass(name = "tiles: {0}")
@ValueSource(booleans = {false, true})
class ElementsTest {

  @Parameter boolean tiles;

  private @Nullable EmittedKernels emitted;

  @BeforeEach
  void emit() {
    Set<Products> used = tiles ? Set.of(Products.BF16, Products.TILES) : Set.of(Products.BF16);
    emitted = EmittedKernels.make(KernelSelection.select(0), used).orElse(null);
    assumeThat(emitted).isNotNull();
    assumeThat(emitted.name().contains("amx")).isEqualTo(tiles);
  }

  /** A graph of one input; {@code between} is called where operations can be computed as one. */
  @FunctionalInterface
  private interface Layers {
    Value of(GraphBuilder g, Value x, RandomWeights weights, Runnable between);
  }

  @ParameterizedTest
  @CsvSource({"1, 96", "40, 96", "300, 33", "70, 5000"})
  void activationsOfInputs(int rows, int columns) {
    check(
        Shape.of(rows, columns),
        (g, x, weights, between) -> {
          Value active = g.activate(Activation.GELU_TANH, linear(g, x, weights, "up", columns));
          between.run();
          return linear(g, active, weights, "down", 50);
        });
  }

  @Test
  void gatedInputs() {
    check(
        Shape.of(130, 70),
        (g, x, weights, between) -> {
          Value gate = linear(g, x, weights, "gate", 200);
          Value up = linear(g, x, weights, "up", 200);
          Value gated = g.gate(Activation.SILU, gate, up);
          between.run();
          return linear(g, gated, weights, "down", 70);
        });
  }

  @Test
  void inputsOfAnotherShape() {
    check(
        Shape.of(60, 64),
        (g, x, weights, between) -> {
          Value active = g.activate(Activation.SILU, linear(g, x, weights, "up", 64));
          between.run();
          return linear(g, g.reshape(active, 30, 128), weights, "down", 70);
        });
  }

  @Test
  void sumsThatAreRectifiedAndReadTwice() {
    check(
        Shape.of(300, 64),
        (g, x, weights, between) -> {
          Value sum = g.add(linear(g, x, weights, "up", 64), x);
          between.run();
          Value active = g.activate(Activation.RELU, sum);
          between.run();
          return g.add(linear(g, active, weights, "down", 64), active);
        });
  }

  @Test
  void sumsOfRowsAndOneRow() {
    check(
        Shape.of(300, 64),
        (g, x, weights, between) -> {
          Value row = g.reshape(g.rows(x, 3, 4), 64);
          Value sum = g.add(linear(g, x, weights, "up", 64), row);
          between.run();
          return linear(g, sum, weights, "down", 64);
        });
  }

  @Test
  void normsThatSeveralLayersRead() {
    check(
        Shape.of(90, 200),
        (g, x, weights, between) -> {
          Value up = linear(g, x, weights, "up", 200);
          Value norm = g.rmsNorm(up, weights.require("norm", Shape.of(200)), 1e-6f);
          between.run();
          Value q = linear(g, norm, weights, "q", 64);
          return g.add(
              g.add(q, linear(g, norm, weights, "k", 64)), linear(g, norm, weights, "v", 64));
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {50, 200})
  void normsOfRowsThatAreCutOrJoined(int columns) {
    check(
        Shape.of(90, 100),
        (g, x, weights, between) -> {
          Weight weight = weights.require("norm", Shape.of(100));
          Value norm = g.layerNorm(x, weight, weights.require("shift", Shape.of(100)), 1e-6f);
          between.run();
          return linear(g, g.reshape(norm, 9000 / columns, columns), weights, "q", 64);
        });
  }

  @ParameterizedTest(name = "{0} pictures of {1}×{1}, {2} channels")
  @CsvSource({"1, 7, 64", "2, 20, 64", "3, 60, 256"})
  void activationsOfPictures(int pictures, int side, int channels) {
    check(
        Shape.of(pictures, side, side, channels),
        (g, x, weights, between) -> {
          Value active = g.activate(Activation.RELU, convolve(g, x, weights, "first"));
          between.run();
          return convolve(g, active, weights, "second");
        });
  }

  private static Value linear(
      GraphBuilder g, Value x, RandomWeights weights, String name, int outputs) {
    Shape shape = Shape.of(outputs, x.shape().last());
    return g.linear(x, weights.require(name, shape), null);
  }

  private static Value convolve(GraphBuilder g, Value x, RandomWeights weights, String name) {
    long channels = x.shape().dim(3);
    return g.convolve(x, weights.require(name, Shape.of(channels, 3, 3, channels)), null, 1, 1);
  }

  private void check(Shape input, Layers layers) {
    for (int threads : new int[] {1, 3}) {
      assertThat(run(input, layers, false, threads)).isEqualTo(run(input, layers, true, threads));
    }
  }

  private float[] run(Shape input, Layers layers, boolean apart, int threads) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, input.toArray());
    AtomicInteger others = new AtomicInteger();
    Runnable another = () -> g.output("other" + others.getAndIncrement(), g.multiply(x, x));
    try (RandomWeights weights = new RandomWeights(DType.BF16);
        CpuBackend backend =
            new CpuBackend(KernelSelection.select(0), Emission.of(emitted), threads)) {
      g.output("y", layers.of(g, x, weights, apart ? another : () -> {}));
      try (Executable executable = backend.compile(g.build(), weights)) {
        Random random = new Random(3);
        for (int i = 0; i < input.elements(); i++) {
          executable.input("x").setFloat(i, (float) random.nextGaussian());
        }
        executable.run();
        return executable.output("y").toFloats();
      }
    }
  }
}
