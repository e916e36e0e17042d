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
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What only one operation reads is computed as it is read. The same value as an output of the graph
 * has two readers, so that it is computed before, and all bits have to be the same.
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

  /** A graph of one input; the value that is read once, then the result. */
  @FunctionalInterface
  private interface Layers {
    Value[] of(GraphBuilder g, Value x, RandomWeights weights);
  }

  @ParameterizedTest
  @CsvSource({"1, 96", "40, 96", "300, 33", "70, 5000"})
  void activationsOfInputs(int rows, int columns) {
    check(
        Shape.of(rows, columns),
        (g, x, weights) -> {
          Value active = g.activate(Activation.GELU_TANH, linear(g, x, weights, "up", columns));
          return new Value[] {active, linear(g, active, weights, "down", 50)};
        });
  }

  @Test
  void gatedInputs() {
    check(
        Shape.of(130, 70),
        (g, x, weights) -> {
          Value gate = linear(g, x, weights, "gate", 200);
          Value up = linear(g, x, weights, "up", 200);
          Value gated = g.gate(Activation.SILU, gate, up);
          return new Value[] {gated, linear(g, gated, weights, "down", 70)};
        });
  }

  @Test
  void inputsOfAnotherShape() {
    check(
        Shape.of(60, 64),
        (g, x, weights) -> {
          Value active = g.activate(Activation.SILU, linear(g, x, weights, "up", 64));
          return new Value[] {active, linear(g, g.reshape(active, 30, 128), weights, "down", 70)};
        });
  }

  @Test
  void sumsThatAreRectified() {
    check(
        Shape.of(300, 64),
        (g, x, weights) -> {
          Value sum = g.add(linear(g, x, weights, "up", 64), x);
          Value active = g.activate(Activation.RELU, sum);
          return new Value[] {sum, g.add(linear(g, active, weights, "down", 64), active)};
        });
  }

  @Test
  void sumsOfRowsAndOneRow() {
    check(
        Shape.of(300, 64),
        (g, x, weights) -> {
          Value row = g.reshape(g.rows(x, 3, 4), 64);
          Value sum = g.add(linear(g, x, weights, "up", 64), row);
          return new Value[] {sum, linear(g, sum, weights, "down", 64)};
        });
  }

  @ParameterizedTest(name = "{0} pictures of {1}×{1}, {2} channels")
  @CsvSource({"1, 7, 64", "2, 20, 64", "3, 60, 256"})
  void activationsOfPictures(int pictures, int side, int channels) {
    check(
        Shape.of(pictures, side, side, channels),
        (g, x, weights) -> {
          Value active = g.activate(Activation.RELU, convolve(g, x, weights, "first"));
          return new Value[] {active, convolve(g, active, weights, "second")};
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

  private float[] run(Shape input, Layers layers, boolean kept, int threads) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, input.toArray());
    try (RandomWeights weights = new RandomWeights(DType.BF16);
        CpuBackend backend =
            new CpuBackend(KernelSelection.select(0), Emission.of(emitted), threads)) {
      Value[] values = layers.of(g, x, weights);
      if (kept) {
        g.output("kept", values[0]);
      }
      g.output("y", values[1]);
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
