package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.backend.cpu.ShortPrompt.LittleAttention;
import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.kernel.AttentionLoops;
import io.github.vlm4j.backend.cpu.kernel.AttentionTask;
import io.github.vlm4j.backend.cpu.kernel.Kernels;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.graph.Graph;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.weights.RandomWeights;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ShortPromptTest {

  private static final int INPUTS = 64;

  private final Kernels kernels = KernelSelection.select("preferred", true);
  private final @Nullable EmittedKernels emitted =
      EmittedKernels.make(kernels, EnumSet.allOf(Products.class)).orElse(null);

  @ParameterizedTest
  @ValueSource(ints = {2, Lowering.MOST_MAT_VEC_ROWS + 1, MatVecStep.MOST_EMITTED_ROWS})
  void aFewRowsOfQuantisedWeightsArePlainLoopsBesideEmittedCode(int rows) {
    assumeThat(emitted).isNotNull();
    assertThat(chosen(emitted, DType.Q8_0, rows)).isInstanceOf(ScalarKernels.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, MatVecStep.MOST_EMITTED_ROWS + 1, 300})
  void aSingleRowAndManyKeepTheirLoops(int rows) {
    assertThat(chosen(emitted, DType.Q8_0, rows)).isSameAs(kernels);
  }

  @Test
  void weightsThatNoEmittedCodeTakesKeepTheirLoops() {
    assertThat(chosen(emitted, DType.F32, 4)).isSameAs(kernels);
    assertThat(chosen(null, DType.Q8_0, 4)).isSameAs(kernels);
  }

  @Test
  void attentionOfManyKeysKeepsItsLoops() {
    List<String> called = new ArrayList<>();
    AttentionLoops attention =
        new LittleAttention(new Loops("plain", called), new Loops("others", called));
    AttentionTask task = new AttentionTask();

    task.keys = LittleAttention.MOST_SCORES / 4;
    attention.attend(task, 2, 6, new float[0]);
    task.keys++;
    attention.attend(task, 2, 6, new float[0]);

    assertThat(called).containsExactly("plain", "others");
  }

  private Kernels chosen(@Nullable EmittedKernels beside, DType type, int rows) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.input("x", DType.F32, rows, INPUTS);
    try (Workers workers = new Workers(1);
        RandomWeights weights = new RandomWeights(type)) {
      g.output("y", g.linear(x, weights.require("w", Shape.of(8, INPUTS)), null));
      Graph graph = g.build();
      Team team = Team.of(kernels, beside, kernels, kernels, workers);
      return ShortPrompt.team(team, graph, new Leaves(weights)).kernels();
    }
  }

  /** Notes that it was asked. */
  private record Loops(String name, List<String> called) implements AttentionLoops {
    @Override
    public int attendScratch(int headDim, int valueDim) {
      return 0;
    }

    @Override
    public int queryTile() {
      return 1;
    }

    @Override
    public void attend(AttentionTask task, int firstQuery, int lastQuery, float[] scratch) {
      called.add(name);
    }
  }
}
