package io.github.vlm4j.vision.preprocess;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Fixtures;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From the image file to `pixel_values`, against transformers and open_clip. */
class ReferenceClipPixelsTest {

  private static final String FOLDER = "/clip-preprocess";
  private static final float[] MEAN = {0.48145466f, 0.4578275f, 0.40821073f};
  private static final float[] STD = {0.26862954f, 0.26130258f, 0.27577711f};

  /** Less than a hundredth of what one level of 255 makes. */
  private static final float TOLERANCE = 1e-6f;

  static List<JsonNode> fixedSizes() {
    return rows("clip", "siglip", "open_clip");
  }

  static List<JsonNode> variableGrids() {
    return rows("naflex");
  }

  static List<JsonNode> normalised() {
    return fixedSizes().stream().filter(row -> row.has("values")).toList();
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("fixedSizes")
  void everyLevelEqualsTheReference(JsonNode row) {
    PixelValues values = new ClipImageProcessor(config(row)).process(picture(row));

    int pixels = values.height() * values.width();
    byte[] levels = Fixtures.array(FOLDER, row.get("pixels").textValue());
    boolean half = row.get("processor").textValue().equals("siglip");
    assertThat(new int[] {values.channels(), values.height(), values.width()})
        .isEqualTo(shape(row));
    for (int i = 0; i < levels.length; i++) {
      float mean = half ? 0.5f : MEAN[i / pixels];
      float std = half ? 0.5f : STD[i / pixels];
      float expected = ((levels[i] & 0xff) / 255f - mean) / std;
      assertThat(values.values()[i]).as("value %d", i).isCloseTo(expected, within(expected));
    }
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("normalised")
  void normalisedValuesEqualTheReference(JsonNode row) {
    float[] expected = new float[shape(row)[0] * shape(row)[1] * shape(row)[2]];
    ByteBuffer.wrap(Fixtures.array(FOLDER, row.get("values").textValue()))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(expected);

    PixelValues values = new ClipImageProcessor(config(row)).process(picture(row));

    assertThat(values.values()).isEqualTo(expected);
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource("variableGrids")
  void naflexPatchesEqualTheReference(JsonNode row) {
    ConfigNode config = ConfigNode.parse("fixture", row.get("config").toString());

    NaflexImage image = NaflexImageProcessor.read(config).process(picture(row));

    byte[] levels = Fixtures.array(FOLDER, row.get("pixels").textValue());
    assertThat(new int[] {image.height(), image.width()})
        .isEqualTo(new int[] {row.at("/grid/0").intValue(), row.at("/grid/1").intValue()});
    assertThat(image.patches()).hasSize(levels.length);
    for (int i = 0; i < levels.length; i++) {
      float expected = ((levels[i] & 0xff) / 255f - 0.5f) / 0.5f;
      assertThat(image.patches()[i]).as("value %d", i).isCloseTo(expected, within(expected));
    }
  }

  private static Offset<Float> within(float expected) {
    return Offset.offset(TOLERANCE * Math.max(1, Math.abs(expected)));
  }

  /** The rows of some processors, with the backend that each uses by default. */
  private static List<JsonNode> rows(String... processors) {
    return Fixtures.table(FOLDER + "/cases.json").stream()
        .filter(row -> List.of(processors).contains(row.get("processor").textValue()))
        .filter(row ->
            row.get("processor").textValue().equals("open_clip")
                || row.get("backend").textValue().equals("torchvision"))
        .toList();
  }

  private static ClipImageConfig config(JsonNode row) {
    return row.get("processor").textValue().equals("open_clip")
        ? ClipImageConfig.openAi(row.at("/config/size").intValue())
        : ClipImageConfig.read(ConfigNode.parse("fixture", row.get("config").toString()));
  }

  private static int[] shape(JsonNode row) {
    JsonNode shape = row.get("shape");
    return new int[] {shape.get(0).intValue(), shape.get(1).intValue(), shape.get(2).intValue()};
  }

  private static Image picture(JsonNode row) {
    String file = FOLDER + "/" + row.get("picture").textValue();
    try (InputStream in = ReferenceClipPixelsTest.class.getResourceAsStream(file)) {
      return Image.of(requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
