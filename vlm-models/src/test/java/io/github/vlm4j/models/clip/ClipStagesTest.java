package io.github.vlm4j.models.clip;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.runtime.PictureRuntime;
import io.github.vlm4j.models.runtime.PictureRuntime.Output;
import io.github.vlm4j.models.runtime.TextRuntime;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each stage of both encoders, fed with the reference's own input, against the reference. Emitted
 * code has to be as close with weights in f32. With weights in f16 it may round inputs to 17 bits,
 * which puts a few stages a little more off.
 */
@ParameterizedClass(name = "emitted code {0}")
@EnumSource
class ClipStagesTest {

  private static final float MOST_BESIDE_ROUNDED_INPUTS = 2e-4f;

  private final EmittedSetting emitted;
  private final Backend backend;

  ClipStagesTest(EmittedSetting emitted) {
    this.emitted = emitted;
    this.backend = emitted.open();
  }

  @AfterEach
  void close() {
    backend.close();
  }

  static Stream<String> cases() {
    return ClipFixture.names();
  }

  /** A checkpoint put together, as {@code ClipModel} does it. */
  private record Parts(
      Checkpoint checkpoint, DualEncoderFormat format, DualEncoder encoder, WeightScope scope)
      implements AutoCloseable {

    static Parts of(ClipFixture fixture) {
      Checkpoint checkpoint = Checkpoint.open(fixture.model());
      DualEncoderFormat format = DualEncoderFormats.of(fixture.model(), checkpoint).orElseThrow();
      CheckpointWeights weights = new CheckpointWeights(checkpoint);
      WeightScope scope = WeightScope.of(weights);
      DualEncoder encoder = format.assemble(scope);
      weights.requireAllUsed(scope.tree(), format::mayIgnore);
      return new Parts(checkpoint, format, encoder, scope);
    }

    @Override
    public void close() {
      checkpoint.close();
    }
  }

  /** The reference's pixel values as the encoder reads them. */
  private record Pixels(float[] values, PatchGrid grid) {}

  private static List<Pixels> pixels(ClipFixture fixture, Parts parts) {
    List<Pixels> pictures = new ArrayList<>();
    if (fixture.has("pixel_values")) {
      long[] shape = fixture.expected("pixel_values").shape().toArray();
      for (int i = 0; i < shape[0]; i++) {
        float[] values = fixture.expected("pixel_values", i);
        PixelValues picture =
            new PixelValues(values, (int) shape[1], (int) shape[2], (int) shape[3]);
        VisionEncoder vision = requireNonNull(parts.encoder().vision());
        long last = vision.pixelShape(parts.format().grid()).last();
        PatchGrid grid = parts.format().grid();
        boolean cut = last != picture.channels();
        int patch = (int) Math.sqrt((double) last / picture.channels());
        pictures.add(new Pixels(cut ? picture.patches(patch) : picture.channelsLast(), grid));
      }
      return pictures;
    }
    for (int i = 0; fixture.has("pixel_values." + i); i++) {
      int[] grid = fixture.grid(i);
      float[] values = fixture.expected("pixel_values." + i).toFloats();
      pictures.add(new Pixels(values, new PatchGrid(1, grid[0], grid[1])));
    }
    return pictures;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void picturesBecomeWhatTheReferenceMakesOfThem(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        Parts parts = Parts.of(fixture)) {
      VisionEncoder vision = parts.encoder().vision();
      if (vision == null) {
        assertThat(fixture.has("image_features")).isFalse();
        return;
      }
      List<Pixels> pictures = pixels(fixture, parts);
      assertThat(pictures).isNotEmpty();
      try (PictureRuntime runtime = new PictureRuntime(vision, backend, parts.scope().source())) {
        for (int i = 0; i < pictures.size(); i++) {
          Map<String, Tensor> features =
              runtime.features(
                  pictures.get(i).values(), pictures.get(i).grid(), EnumSet.allOf(Output.class));
          compare(fixture, "vision.", i, features);
          Tensor embedding = requireNonNull(features.get("embedding"));
          String expected = fixture.has("image_features") ? "image_features" : "vision.pooled";
          near(fixture, expected, i, embedding.toFloats());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aBatchGivesWhatEachPictureGivesAlone(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        Parts parts = Parts.of(fixture)) {
      VisionEncoder vision = parts.encoder().vision();
      if (vision == null || !fixture.has("pixel_values")) {
        return;
      }
      List<Pixels> pictures = pixels(fixture, parts);
      try (PictureRuntime runtime = new PictureRuntime(vision, backend, parts.scope().source())) {
        List<float[]> together =
            runtime.embed(
                pictures.stream().map(Pixels::values).toList(), pictures.getFirst().grid());
        assertThat(together).hasSameSizeAs(pictures);
        String expected = fixture.has("image_features") ? "image_features" : "vision.pooled";
        for (int i = 0; i < pictures.size(); i++) {
          near(fixture, expected, i, together.get(i));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void textsBecomeWhatTheReferenceMakesOfThem(String name) {
    try (ClipFixture fixture = ClipFixture.of(name);
        Parts parts = Parts.of(fixture)) {
      TextEncoder text = parts.encoder().text();
      if (text == null) {
        assertThat(fixture.has("text_features")).isFalse();
        return;
      }
      List<int[]> all = IntStream.range(0, fixture.texts().size()).mapToObj(fixture::ids).toList();
      assertThat(all).isNotEmpty();
      String expected = fixture.has("text_features") ? "text_features" : "text.pooled";
      try (TextRuntime runtime = new TextRuntime(text, backend, parts.scope().source())) {
        List<float[]> together = runtime.embed(all);
        for (int i = 0; i < all.size(); i++) {
          Map<String, Tensor> features = runtime.features(all.get(i));
          compareTokens(fixture, i, features);
          near(fixture, expected, i, requireNonNull(features.get("embedding")).toFloats());
          near(fixture, expected, i, together.get(i));
          near(fixture, expected, i, runtime.embed(List.of(all.get(i))).getFirst());
        }
      }
    }
  }

  private void compare(ClipFixture fixture, String prefix, int i, Map<String, Tensor> features) {
    features.forEach((feature, tensor) -> {
      String stage = prefix + feature.replace("hidden_states.", "stage.");
      if (fixture.has(stage)) {
        near(fixture, stage, i, tensor.toFloats());
      } else if (fixture.has(prefix + feature)) {
        near(fixture, prefix + feature, i, tensor.toFloats());
      } else if (fixture.has(prefix + feature + "." + i)) {
        near(fixture, prefix + feature + "." + i, tensor.toFloats());
      }
    });
  }

  /** What stands behind the end of a text is nobody's business where tokens do not see ahead. */
  private void compareTokens(ClipFixture fixture, int i, Map<String, Tensor> features) {
    features.forEach((feature, tensor) -> {
      String expected = "text." + feature;
      if (fixture.has(expected) && tensor.shape().rank() == 2) {
        int rows = (int) Math.min(tensor.shape().dim(0), fixture.textLength(i));
        int values = (int) (rows * tensor.shape().last());
        float[] actual = Arrays.copyOf(tensor.toFloats(), values);
        near(fixture, expected, Arrays.copyOf(fixture.expected(expected, i), values), actual);
      }
    });
  }

  private void near(ClipFixture fixture, String tensor, int i, float[] actual) {
    near(fixture, tensor + "[" + i + "]", fixture.expected(tensor, i), actual);
  }

  private void near(ClipFixture fixture, String tensor, float[] actual) {
    near(fixture, tensor, fixture.expected(tensor).toFloats(), actual);
  }

  private void near(ClipFixture fixture, String what, float[] expected, float[] actual) {
    boolean rounded = emitted == EmittedSetting.ON && fixture.hasHalves();
    float most = rounded ? MOST_BESIDE_ROUNDED_INPUTS : fixture.tolerance();
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int j = 0; j < expected.length; j++) {
      assertThat(Math.abs(actual[j] - expected[j]))
          .as("%s[%d]: %s, expected %s", what, j, actual[j], expected[j])
          .isLessThanOrEqualTo(most);
    }
  }
}
