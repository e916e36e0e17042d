package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.vision.image.Fixtures;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class SmartResizeTest {

  @Test
  void imageSizesEqualTheReference() {
    List<JsonNode> rows = Fixtures.table("/preprocess/smart-resize-image.json");
    assertThat(rows).hasSizeGreaterThan(700);
    for (JsonNode row : rows) {
      check(
          row,
          row.get(5),
          () ->
              SmartResize.forImage(
                  row.get(0).intValue(),
                  row.get(1).intValue(),
                  row.get(2).intValue(),
                  row.get(3).longValue(),
                  row.get(4).longValue(),
                  "picture"));
    }
  }

  @Test
  void videoSizesEqualTheReference() {
    List<JsonNode> rows = Fixtures.table("/preprocess/smart-resize-video.json");
    assertThat(rows).hasSizeGreaterThan(300);
    for (JsonNode row : rows) {
      check(
          row,
          row.get(7),
          () ->
              SmartResize.forVideo(
                  row.get(0).intValue(),
                  row.get(1).intValue(),
                  row.get(2).intValue(),
                  row.get(3).intValue(),
                  row.get(4).intValue(),
                  row.get(5).longValue(),
                  row.get(6).longValue(),
                  "video"));
    }
  }

  @Test
  void halfIsRoundedToEven() {
    assertThat(SmartResize.forImage(48, 80, 32, 1, 1 << 20, "picture"))
        .isEqualTo(new SmartResize(64, 64));
  }

  @Test
  void aspectRatioOverTwoHundredIsRefusedByName() {
    assertThat(SmartResize.forImage(200, 1, 32, 1, 1 << 20, "strip.png")).isNotNull();
    assertThatThrownBy(() -> SmartResize.forImage(201, 1, 32, 1, 1 << 20, "strip.png"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("strip.png is 201×1")
        .hasMessageContaining("200");
  }

  private static void check(JsonNode row, JsonNode expected, Supplier<SmartResize> actual) {
    if (expected.isNull()) {
      assertThatThrownBy(actual::get).as("%s", row).isInstanceOf(InputException.class);
    } else {
      assertThat(actual.get())
          .as("%s", row)
          .isEqualTo(new SmartResize(expected.get(0).intValue(), expected.get(1).intValue()));
    }
  }
}
