package io.github.vlm4j.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import io.github.vlm4j.core.backend.Executable;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.graph.GraphBuilder;
import io.github.vlm4j.core.graph.Value;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionFeatures;
import io.github.vlm4j.core.nn.EncoderBlock;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.DeclaredWeights;
import io.github.vlm4j.core.weights.RandomWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.vision.encoder.ClipVisionEncoder;
import io.github.vlm4j.vision.encoder.ModifiedResNet;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig;
import io.github.vlm4j.vision.encoder.ModifiedResNetConfig.Reduction;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sizes that the literature gives, and the two classic ways to embed patches. */
class VitGeometryTest {

  private static VitConfig vit(int imageSize, int patchSize) {
    EncoderBlock.Sizes blocks = new EncoderBlock.Sizes(768, 3072, 12, Activation.QUICK_GELU, 1e-5f);
    return new VitConfig(blocks, 12, 3, imageSize, patchSize);
  }

  private static VisionFeatures features(VitConfig config, int pictures) {
    WeightScope scope = WeightScope.of(new DeclaredWeights(DType.F16));
    ClipVisionEncoder encoder = ClipVisionEncoder.of(config, scope, null);
    PatchGrid grid = new PatchGrid(pictures, config.gridSize(), config.gridSize());
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input("pixels", DType.F32, encoder.pixelShape(grid).toArray());
    return encoder.encode(g, pixels, grid);
  }

  @ParameterizedTest
  @CsvSource({"48, 16, 9", "96, 16, 36", "224, 16, 196", "224, 32, 49", "336, 14, 576"})
  void aPictureBecomesItsPatchesAndAClassToken(int imageSize, int patchSize, int patches) {
    VitConfig config = vit(imageSize, patchSize);
    VisionFeatures features = features(config, 1);
    assertThat(config.patches()).isEqualTo(patches);
    assertThat(features.lastHiddenState().shape()).isEqualTo(Shape.of(patches + 1, 768));
    assertThat(features.hiddenStates()).hasSize(13);
    assertThat(features.attentions().getFirst().shape())
        .isEqualTo(Shape.of(12, patches + 1, patches + 1));
    assertThat(features.pooled().orElseThrow().shape()).isEqualTo(Shape.of(1, 768));
  }

  @Test
  void connectorsCanTakeThePenultimateLayerWithoutTheClassToken() {
    VisionFeatures features = features(vit(48, 16), 2);
    GraphBuilder g = new GraphBuilder();
    assertThat(FeatureSelection.ofLayer(-2, false).select(g, features, 2))
        .isSameAs(features.hiddenStates().get(11));
    assertThatThrownBy(() -> FeatureSelection.ofLayer(-14, true).select(g, features, 2))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("no hidden state -14: the encoder has 13");
  }

  @Test
  void anotherGridThanTheLearnedOneIsRefused() {
    ClipVisionEncoder encoder =
        ClipVisionEncoder.of(vit(48, 16), WeightScope.of(new DeclaredWeights(DType.F32)), null);
    PatchGrid grid = new PatchGrid(1, 3, 4);
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input("pixels", DType.F32, encoder.pixelShape(grid).toArray());
    assertThatThrownBy(() -> encoder.encode(g, pixels, grid))
        .isInstanceOf(ModelException.class)
        .hasMessage("This encoder reads 3×3 patches, not 3×4.");
  }

  @ParameterizedTest
  @CsvSource({"ANTI_ALIASED, 7", "STRIDED, 14"})
  void aModifiedResNetReducesAPictureOf224PixelsAsItsConfigurationSays(
      Reduction reduction, int grid) {
    ModifiedResNetConfig config =
        new ModifiedResNetConfig(List.of(3, 4, 6, 3), 64, 32, grid, 1024, reduction);
    assertThat(config.imageSize()).isEqualTo(224);
    ModifiedResNet encoder =
        new ModifiedResNet(config, WeightScope.of(new DeclaredWeights(DType.F32)));
    PatchGrid patches = new PatchGrid(1, grid, grid);
    assertThat(encoder.pixelShape(patches)).isEqualTo(Shape.of(1, 224, 224, 3));
    GraphBuilder g = new GraphBuilder();
    Value pixels = g.input("pixels", DType.F32, 1, 224, 224, 3);
    VisionFeatures features = encoder.encode(g, pixels, patches);
    assertThat(features.lastHiddenState().shape()).isEqualTo(Shape.of((long) grid * grid, 2048));
    assertThat(features.projected().orElseThrow().shape()).isEqualTo(Shape.of(1, 1024));
  }

  @Test
  void unfoldingPatchesAndAStridedConvolutionEmbedThemAlike() {
    int side = 42;
    int patch = 14;
    int hidden = 24;
    float[] values = new float[3 * side * side];
    Random random = new Random(5);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    PixelValues picture = new PixelValues(values, 3, side, side);
    try (Backend backend = Backends.find().open(null, BackendOptions.DEFAULT);
        RandomWeights weights = new RandomWeights(DType.F32)) {
      WeightScope scope = WeightScope.of(weights);
      var kernel = scope.get("kernel.weight", hidden, 3, patch, patch);
      var channelsLast =
          scope.derive(
              "kernel.channels_last",
              new long[] {hidden, patch, patch, 3},
              () -> channelsLast(scope.source().tensor("kernel.weight"), hidden, patch));
      GraphBuilder g = new GraphBuilder();
      Value patches = g.input("patches", DType.F32, 9, 3L * patch * patch);
      Value pixels = g.input("pixels", DType.F32, 1, side, side, 3);
      g.output("unfolded", g.linear(patches, kernel.reshape(hidden, 3L * patch * patch), null));
      g.output("convolved", g.convolve(pixels, channelsLast, null, patch, 0).reshape(9, hidden));
      try (Executable executable = backend.compile(g.build(), scope.source())) {
        executable.input("patches").copyFrom(Tensor.ofFloats(picture.patches(patch), 9, 588));
        executable
            .input("pixels")
            .copyFrom(Tensor.ofFloats(picture.channelsLast(), 1, side, side, 3));
        executable.run();
        float[] unfolded = executable.output("unfolded").toFloats();
        float[] convolved = executable.output("convolved").toFloats();
        assertThat(unfolded).hasSize(9 * hidden);
        assertThat(unfolded[0]).isNotEqualTo(unfolded[hidden]);
        for (int i = 0; i < unfolded.length; i++) {
          assertThat(convolved[i]).isCloseTo(unfolded[i], within(1e-5f));
        }
      }
    }
  }

  private static Tensor channelsLast(Tensor kernel, int out, int size) {
    float[] from = kernel.toFloats();
    float[] to = new float[from.length];
    int area = size * size;
    for (int o = 0; o < out; o++) {
      for (int c = 0; c < 3; c++) {
        for (int p = 0; p < area; p++) {
          to[(o * area + p) * 3 + c] = from[(o * 3 + c) * area + p];
        }
      }
    }
    return Tensor.ofFloats(to, out, size, size, 3);
  }
}
