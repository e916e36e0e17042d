package io.github.vlm4j.models.qwenvl;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.connector.PatchMerger;
import io.github.vlm4j.connector.PatchMerger.NormPlace;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.nn.LayerNorm;
import io.github.vlm4j.core.nn.RmsNorm;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * Patch mergers alone: fed what the reference's encoder computed, they give what its merger did.
 */
class PatchMergerTest {

  private static final float EPS = 1e-6f;

  @Test
  void qwen2NormalisesPatchesByTheirVariance() {
    assertEqualsReference(
        "qwenvl/qwen2_one_image",
        "image.0.block.2",
        "image.0.connector",
        root -> {
          WeightScope scope = root.at("visual.merger");
          return PatchMerger.qwen2(16, 2, 24, LayerNorm.of(scope.at("ln_q"), 16, EPS), scope);
        });
  }

  @Test
  void qwen25NormalisesPatchesByTheirMeanSquare() {
    assertEqualsReference(
        "qwenvl/qwen2_5_two_images",
        "image.0.block.3",
        "image.0.connector",
        root -> {
          WeightScope scope = root.at("model.visual.merger");
          return PatchMerger.qwen2(12, 2, 24, RmsNorm.of(scope.at("ln_q"), 12, EPS), scope);
        });
  }

  @Test
  void qwen3NormalisesPatchesBeforeTheShuffle() {
    assertEqualsReference(
        "qwen3vl/tied_one_image",
        "image.0.last_hidden_state",
        "image.0.connector",
        root ->
            PatchMerger.qwen3(16, 2, 32, NormPlace.BEFORE_SHUFFLE, root.at("model.visual.merger")));
  }

  @Test
  void deepstackNormalisesBlocksAfterTheShuffle() {
    assertEqualsReference(
        "qwen3vl/tied_one_image",
        "image.0.block.2",
        "image.0.deepstack.1",
        root ->
            PatchMerger.qwen3(
                16,
                2,
                32,
                NormPlace.AFTER_SHUFFLE,
                root.at("model.visual.deepstack_merger_list.1")));
  }

  private static void assertEqualsReference(
      String name, String input, String output, Function<WeightScope, PatchMerger> merger) {
    try (ReferenceCase reference = ReferenceCase.open(name);
        Checkpoint checkpoint = Checkpoint.open(reference.folder);
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      PatchMerger connector = merger.apply(WeightScope.of(weights));
      GraphBuilder g = new GraphBuilder();
      g.output("merged", connector.connect(g, g.constant(reference.tensor(input))));
      try (Executable executable = backend.compile(g.build(), weights)) {
        executable.run();
        reference.assertClose(output, executable.output("merged"), 1e-4);
      }
      assertThat(connector.reduction()).isEqualTo(4);
      assertThat(reference.tensor(output).shape().last()).isEqualTo(connector.outputSize());
    }
  }
}
