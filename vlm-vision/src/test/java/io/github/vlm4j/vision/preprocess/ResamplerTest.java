package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Fixtures;
import io.github.vlm4j.vision.image.Image;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ResamplerTest {

  static List<JsonNode> cases() {
    return Fixtures.table("/preprocess/resampling.json");
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("cases")
  void resizedPixelsEqualTheReference(JsonNode expected) {
    int width = expected.get("width").intValue();
    int height = expected.get("height").intValue();
    byte[] source = Fixtures.array("/preprocess", expected.get("source").textValue());
    byte[] resized =
        new Resampler(
                width,
                height,
                expected.get("targetWidth").intValue(),
                expected.get("targetHeight").intValue(),
                ResampleFilter.valueOf(expected.get("filter").textValue()),
                Resampler.Arithmetic.valueOf(expected.get("arithmetic").textValue()))
            .resize(Image.ofRgb(source, width, height));
    byte[] reference = Fixtures.array("/preprocess", expected.get("expected").textValue());
    assertThat(resized).hasSameSizeAs(reference);
    assertThat(Fixtures.largestDifference(reference, resized)).isZero();
  }

  @Test
  void unchangedSizeCopies() {
    byte[] rgb = {1, 2, 3, 4, 5, 6};
    Resampler resampler =
        new Resampler(2, 1, 2, 1, ResampleFilter.BICUBIC, Resampler.Arithmetic.PILLOW);
    assertThat(resampler.resize(Image.ofRgb(rgb, 2, 1))).isEqualTo(rgb);
  }

  @Test
  void flatColourStaysExactlyFlat() {
    byte[] rgb = new byte[3 * 37 * 23];
    Arrays.fill(rgb, (byte) 201);
    for (ResampleFilter filter : ResampleFilter.values()) {
      for (Resampler.Arithmetic arithmetic : Resampler.Arithmetic.values()) {
        byte[] resized =
            new Resampler(37, 23, 64, 9, filter, arithmetic).resize(Image.ofRgb(rgb, 37, 23));
        assertThat(resized).as("%s %s", filter, arithmetic).containsOnly((byte) 201);
      }
    }
  }

  @Test
  void pictureOfAnotherSizeIsRefused() {
    Resampler resampler =
        new Resampler(2, 1, 4, 4, ResampleFilter.BICUBIC, Resampler.Arithmetic.PILLOW);
    assertThatThrownBy(() -> resampler.resize(Image.ofRgb(new byte[3], 1, 1)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("2×1");
  }

  @Test
  void impossibleSizesAreRefused() {
    assertThatThrownBy(
            () -> new Resampler(2, 0, 4, 4, ResampleFilter.BOX, Resampler.Arithmetic.PILLOW))
        .isInstanceOf(InputException.class);
    assertThatThrownBy(() ->
            new Resampler(2, 2, 1 << 20, 1 << 20, ResampleFilter.BOX, Resampler.Arithmetic.PILLOW))
        .isInstanceOf(InputException.class);
  }
}
