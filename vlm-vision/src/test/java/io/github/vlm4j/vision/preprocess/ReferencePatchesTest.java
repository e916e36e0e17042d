package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.vision.image.Fixtures;
import io.github.vlm4j.vision.image.Image;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From the image file to `pixel_values`, against transformers' processors. */
class ReferencePatchesTest {

  private static final int CHANNELS = 3;
  private static final int LEVELS = 256;

  static List<JsonNode> cases() {
    return Fixtures.table("/preprocess/patches.json");
  }

  static List<JsonNode> videos() {
    return Fixtures.table("/preprocess/video.json");
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("cases")
  void pixelValuesEqualTheReference(JsonNode expected) {
    QwenImageProcessor processor = new QwenImageProcessor(config(expected));
    PatchedImage patches =
        processor.process(Image.of(Fixtures.picture(expected.get("file").textValue())));

    assertThat(patches.grid()).isEqualTo(grid(expected));
    assertThat(patches.patchLength()).isEqualTo(expected.get("patchLength").intValue());
    assertThat(patches.values()).isEqualTo(values(expected, normalised(expected)));
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("videos")
  void videoEqualsTheReference(JsonNode expected) {
    int width = expected.get("width").intValue();
    int height = expected.get("height").intValue();
    byte[] stored = Fixtures.array("/preprocess", expected.get("frames").textValue());
    int length = CHANNELS * width * height;
    List<Image> frames = new ArrayList<>();
    for (int i = 0; i < expected.get("count").intValue(); i++) {
      byte[] rgb = Arrays.copyOfRange(stored, i * length, (i + 1) * length);
      frames.add(Image.ofRgb(rgb, width, height));
    }

    PatchedVideo video =
        new QwenVideoProcessor(config(expected), QwenVideoProcessor.PixelLimits.ALL_FRAMES)
            .process(frames, expected.get("framesPerSecond").doubleValue());

    List<Double> timestamps = new ArrayList<>();
    expected.get("timestamps").forEach(t -> timestamps.add(t.doubleValue()));
    assertThat(video.timestamps()).isEqualTo(timestamps);
    assertThat(video.patches().grid()).isEqualTo(grid(expected));
    float[][] table = new float[CHANNELS][LEVELS];
    for (float[] channel : table) {
      for (int level = 0; level < LEVELS; level++) {
        channel[level] = (level - 127.5f) / 127.5f;
      }
    }
    assertThat(video.patches().values()).isEqualTo(values(expected, table));
  }

  @Test
  void stillPictureIsRepeatedInEveryFrameOfItsPatches() {
    QwenImageConfig config = config(cases().getFirst());
    PatchedImage patches =
        new QwenImageProcessor(config).process(Image.of(Fixtures.picture("rgb.png")));
    int plane = config.patchSize() * config.patchSize();
    float[] values = patches.values();
    for (int at = 0; at < values.length; at += 2 * plane) {
      assertThat(Arrays.copyOfRange(values, at, at + plane))
          .isEqualTo(Arrays.copyOfRange(values, at + plane, at + 2 * plane));
    }
  }

  private static QwenImageConfig config(JsonNode expected) {
    return QwenImageConfig.of(ConfigNode.parse("fixture", expected.get("config").toString()));
  }

  private static PatchGrid grid(JsonNode expected) {
    JsonNode grid = expected.get("grid");
    return new PatchGrid(grid.get(0).intValue(), grid.get(1).intValue(), grid.get(2).intValue());
  }

  private static float[][] normalised(JsonNode expected) {
    byte[] bytes = Base64.getDecoder().decode(expected.get("normalised").textValue());
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[][] table = new float[CHANNELS][LEVELS];
    for (float[] channel : table) {
      buffer.asFloatBuffer().get(channel);
      buffer.position(buffer.position() + LEVELS * Float.BYTES);
    }
    return table;
  }

  /** The stored levels, `[patches, 3, frames × patch²]`, through the reference's normalisation. */
  private static float[] values(JsonNode expected, float[][] table) {
    byte[] levels = Fixtures.array("/preprocess", expected.get("levels").textValue());
    int plane = expected.get("patchLength").intValue() / CHANNELS;
    float[] values = new float[levels.length];
    for (int i = 0; i < levels.length; i++) {
      values[i] = table[i / plane % CHANNELS][levels[i] & 0xff];
    }
    return values;
  }
}
