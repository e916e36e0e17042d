package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Fixtures;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.image.StoredMode;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Resizing in the mode a picture was stored in, against open_clip's transform. */
class StoredResizeTest {

  static List<JsonNode> cases() {
    return Fixtures.table("/stored/cases.json");
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void everyLevelEqualsTheReference(JsonNode row) throws IOException {
    ConfigNode config =
        ConfigNode.parse(
            "fixture",
            "{\"mean\":0,\"std\":1,\"resize_mode\":\"%s\"}"
                .formatted(row.get("resize").textValue()));
    ClipImageProcessor processor =
        new ClipImageProcessor(ClipImageConfig.openClip(config, row.get("size").intValue()));

    float[] values = processor.process(picture(row)).values();

    byte[] levels = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      levels[i] = (byte) Math.round(values[i] * 255);
    }
    assertThat(levels).isEqualTo(Fixtures.array("/stored", row.get("levels").textValue()));
  }

  @Test
  void casesCoverEveryModeThatFilesHold() throws IOException {
    Set<StoredMode> modes = EnumSet.noneOf(StoredMode.class);
    for (JsonNode row : cases()) {
      modes.add(picture(row).storedMode());
    }
    assertThat(modes).containsAll(EnumSet.complementOf(EnumSet.of(StoredMode.GREY_32)));
  }

  @Test
  void transparencyIsKeptBesideTheColour() {
    Image image = Image.of(Fixtures.picture("lossy-alpha.webp"));

    assertThat(image.storedMode()).isEqualTo(StoredMode.ALPHA);
    assertThat(image.storedSamples().byteSize()).isEqualTo((long) image.width() * image.height());
    assertThat(Arrays.stream(samples(image)).distinct().count()).isGreaterThan(1);
  }

  private static int[] samples(Image image) {
    int[] samples = new int[(int) image.storedSamples().byteSize()];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = image.storedSamples().get(ValueLayout.JAVA_BYTE, i);
    }
    return samples;
  }

  private static Image picture(JsonNode row) throws IOException {
    String file = row.get("file").textValue();
    try (InputStream own = StoredResizeTest.class.getResourceAsStream("/stored/" + file)) {
      return own == null ? Image.of(Fixtures.picture(file)) : Image.of(own);
    }
  }
}
