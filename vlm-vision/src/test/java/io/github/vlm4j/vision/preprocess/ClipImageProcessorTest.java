package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.Resampler.Arithmetic;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ClipImageProcessorTest {

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void windowHoldsThePixelsOfTheWholeResult(Arithmetic arithmetic) {
    Image image = noise(301, 170);
    CropWindow window = new CropWindow(13, 7, 40, 29);
    ResampleFilter filter = ResampleFilter.BICUBIC;

    byte[] whole = new Resampler(301, 170, 91, 53, filter, arithmetic).resize(image);
    byte[] part =
        new Resampler(301, 170, 91, 53, window, filter, arithmetic)
            .resize((y, to, at) -> image.copyRows(y, 1, to, at), 3);

    for (int y = 0; y < 29; y++) {
      int from = 3 * ((y + 7) * 91 + 13);
      assertThat(Arrays.copyOfRange(part, 3 * y * 40, 3 * (y + 1) * 40))
          .isEqualTo(Arrays.copyOfRange(whole, from, from + 3 * 40));
    }
  }

  @Test
  void cropsOfOddDifferenceAreRoundedAsEachReferenceDoes() {
    // Seven columns more than the crop: 3.5 is cut to 3 by transformers, rounded to 4 by open_clip.
    byte[] rgb = new byte[3 * 15 * 8];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i / 3 % 15);
    }
    Image image = Image.ofRgb(rgb, 15, 8);
    ConfigNode plain =
        ConfigNode.parse(
            "x", "{\"size\":8,\"crop_size\":8,\"do_rescale\":false,\"do_normalize\":false}");
    ConfigNode levels = ConfigNode.parse("x", "{\"mean\":0,\"std\":1}");

    float huggingFace =
        new ClipImageProcessor(ClipImageConfig.read(plain)).process(image).values()[0];
    float openClip =
        new ClipImageProcessor(ClipImageConfig.openClip(levels, 8)).process(image).values()[0];

    assertThat(huggingFace).isEqualTo(3);
    assertThat(openClip).isEqualTo(4 / 255f);
  }

  @Test
  void elongatedPictureNeedsOnlyItsCrop() {
    PixelValues values =
        new ClipImageProcessor(ClipImageConfig.openAi(32)).process(noise(20000, 2));

    assertThat(values.height()).isEqualTo(32);
    assertThat(values.width()).isEqualTo(32);
  }

  @Test
  void pictureOutOfAllProportionIsRefused() {
    ClipImageProcessor processor = new ClipImageProcessor(ClipImageConfig.openAi(224));
    Image line = Image.ofRgb(new byte[3 * 300_000], 300_000, 1);

    assertThatThrownBy(() -> processor.process(line))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("300000×1")
        .hasMessageContaining("crop");
  }

  @Test
  void patchesAndChannelsLastArrangeTheSameValues() {
    float[] values = new float[2 * 4 * 5];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    PixelValues pixels = new PixelValues(values, 2, 4, 5);

    assertThat(pixels.channelsLast()).startsWith(0, 20, 1, 21).endsWith(19, 39);
    // The fifth column fills no patch.
    assertThat(pixels.patches(2))
        .hasSize(32)
        .startsWith(0, 1, 5, 6, 20, 21, 25, 26, 2, 3, 7, 8)
        .endsWith(32, 33, 37, 38);
    assertThatThrownBy(() -> pixels.patches(6)).isInstanceOf(InputException.class);
  }

  private static Image noise(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    new Random(7).nextBytes(rgb);
    return Image.ofRgb(rgb, width, height);
  }
}
