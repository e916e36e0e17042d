package io.github.vlm4j.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.runtime.PictureRuntime;
import io.github.vlm4j.models.runtime.PictureRuntime.Output;
import io.github.vlm4j.vision.encoder.ModifiedResNet;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig.Reduction;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The ModifiedResNet that tutorials simplify: the same class, differently configured. */
class TutorialResNetTest {

  @Test
  void computesWhatItsReferenceDoes() {
    ModifiedResNetConfig config =
        new ModifiedResNetConfig(List.of(1, 1, 1, 1), 4, 2, 3, 32, Reduction.STRIDED);
    try (ClipFixture fixture = ClipFixture.of(ClipFixture.TUTORIAL);
        Checkpoint checkpoint = Checkpoint.open(fixture.model());
        Backend backend = Backends.find().open(null, BackendOptions.DEFAULT)) {
      WeightScope scope = WeightScope.of(new CheckpointWeights(checkpoint));
      ModifiedResNet encoder = new ModifiedResNet(config, scope.at("visual"));
      PatchGrid grid = new PatchGrid(1, 3, 3);
      try (PictureRuntime runtime = new PictureRuntime(encoder, backend, scope.source())) {
        for (int i = 0; i < 2; i++) {
          int side = config.imageSize();
          PixelValues pixels = new PixelValues(fixture.expected("pixel_values", i), 3, side, side);
          Map<String, Tensor> features =
              runtime.features(pixels.channelsLast(), grid, EnumSet.allOf(Output.class));
          near(features.get("embedding"), fixture.expected("image_features", i));
          near(features.get("last_hidden_state"), fixture.expected("vision.last_hidden_state", i));
          for (int stage = 0; stage <= 4; stage++) {
            near(
                features.get("hidden_states." + stage),
                fixture.expected("vision.stage." + stage, i));
          }
        }
      }
    }
  }

  private static void near(Tensor actual, float[] expected) {
    float[] values = actual.toFloats();
    assertThat(values).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(values[i]).isCloseTo(expected[i], within(1e-4f));
    }
  }
}
