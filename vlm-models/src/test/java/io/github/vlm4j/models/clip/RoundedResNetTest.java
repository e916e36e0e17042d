package io.github.vlm4j.models.clip;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Shape;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.core.weights.CheckpointWeights;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.core.weights.WeightSource;
import io.github.vlm4j.models.runtime.PictureRuntime;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A ModifiedResNet whose checkpoint is in bf16, beside what the reference computes in f32. */
class RoundedResNetTest {

  /** A checkpoint rounded to bf16 when it is read. */
  private record Rounded(WeightSource exact) implements WeightSource {

    @Override
    public boolean contains(String name) {
      return exact.contains(name);
    }

    @Override
    public Weight require(String name, Shape expected) {
      exact.require(name, expected);
      return Weight.of(name, DType.BF16, expected);
    }

    @Override
    public Tensor tensor(String name) {
      Tensor stored = exact.tensor(name);
      return Tensor.roundedToBf16(stored.toFloats(), stored.shape().toArray());
    }
  }

  @ParameterizedTest(name = "emitted kernels {0}")
  @CsvSource({"OFF, 1.4e-2", "ON, 1.7e-2"})
  void embeddingsAreAsFarOffAsRoundingMakesThem(EmittedSetting emitted, double most) {
    try (ClipFixture fixture = ClipFixture.of("openai_rn_f32");
        Checkpoint checkpoint = Checkpoint.open(fixture.model())) {
      DualEncoderFormat format = DualEncoderFormats.of(fixture.model(), checkpoint).orElseThrow();
      WeightScope scope = WeightScope.of(new Rounded(new CheckpointWeights(checkpoint)));
      VisionEncoder encoder = requireNonNull(format.assemble(scope).vision());
      List<float[]> pixels = new ArrayList<>();
      long[] shape = fixture.expected("pixel_values").shape().toArray();
      for (int i = 0; i < shape[0]; i++) {
        float[] values = fixture.expected("pixel_values", i);
        pixels.add(new PixelValues(values, 3, (int) shape[2], (int) shape[3]).channelsLast());
      }
      try (Backend backend = emitted.open();
          PictureRuntime runtime = new PictureRuntime(encoder, backend, scope.source())) {
        List<float[]> embeddings = runtime.embed(pixels, format.grid());
        for (int i = 0; i < pixels.size(); i++) {
          double distance = distance(embeddings.get(i), fixture.expected("image_features", i));
          assertThat(distance).isBetween(5e-4, most);
        }
      }
    }
  }

  /** Returns the length of the difference in units of that of what is expected. */
  private static double distance(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double difference = 0;
    double length = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (double) (actual[i] - expected[i]) * (actual[i] - expected[i]);
      length += (double) expected[i] * expected[i];
    }
    return Math.sqrt(difference / length);
  }
}
