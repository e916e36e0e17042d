package io.github.vlm4j.vision.image;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every picture of the table has the pixels that Pillow gives, to the last bit. */
class ReferencePixelsTest {

  static List<String> pictures() {
    return Fixtures.table("/image/expected.json").stream()
        .map(row -> row.get("file").textValue())
        .toList();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pictures")
  void pixelsEqualTheReference(String file) {
    JsonNode row =
        Fixtures.table("/image/expected.json").stream()
            .filter(candidate -> candidate.get("file").textValue().equals(file))
            .findFirst()
            .orElseThrow();
    Image image = Image.of(Fixtures.picture(file));

    assertThat(image.width()).isEqualTo(row.get("width").intValue());
    assertThat(image.height()).isEqualTo(row.get("height").intValue());
    byte[] expected = Fixtures.array("/image", row.get("rgb").textValue());
    byte[] actual = image.pixels().toArray(ValueLayout.JAVA_BYTE);
    assertThat(actual).hasSameSizeAs(expected);
    assertThat(Fixtures.largestDifference(expected, actual)).isZero();
  }
}
