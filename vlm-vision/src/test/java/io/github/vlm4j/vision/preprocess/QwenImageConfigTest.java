package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.VlmException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QwenImageConfigTest {

  private static final String QWEN3_VL =
      """
      {"size": {"longest_edge": 16777216, "shortest_edge": 65536}, "patch_size": 16,
       "temporal_patch_size": 2, "merge_size": 2, "image_mean": [0.5, 0.5, 0.5],
       "image_std": [0.5, 0.5, 0.5], "processor_class": "Qwen3VLProcessor",
       "image_processor_type": "Qwen2VLImageProcessorFast"}
      """;

  @TempDir Path folder;

  @Test
  void readsTheRealConfiguration() throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), QWEN3_VL);
    QwenImageConfig config = QwenImageConfig.load(folder);
    assertThat(config.minPixels()).isEqualTo(65536);
    assertThat(config.maxPixels()).isEqualTo(16777216);
    assertThat(config.factor()).isEqualTo(32);
    assertThat(config.temporalPatchSize()).isEqualTo(2);
    assertThat(config.resample()).isEqualTo(ResampleFilter.BICUBIC);
    assertThat(config.rescaleFactor()).isEqualTo(1 / 255.0);
    assertThat(config.imageMean()).containsExactly(0.5, 0.5, 0.5);
  }

  @Test
  void nestedProcessorConfigWins() throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), QWEN3_VL);
    Files.writeString(
        folder.resolve("processor_config.json"),
        "{\"image_processor\": " + QWEN3_VL.replace("16,", "8,") + "}");
    assertThat(QwenImageConfig.load(folder).patchSize()).isEqualTo(8);
  }

  @Test
  void processorConfigWithoutImagesIsPassedOver() throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), QWEN3_VL);
    Files.writeString(folder.resolve("processor_config.json"), "{\"processor_class\": \"X\"}");
    assertThat(QwenImageConfig.load(folder).patchSize()).isEqualTo(16);
  }

  @Test
  void videoHasItsOwnFileAndFallsBackToTheImages() throws IOException {
    Files.writeString(folder.resolve("preprocessor_config.json"), QWEN3_VL);
    assertThat(QwenImageConfig.loadForVideo(folder).maxPixels()).isEqualTo(16777216);
    Files.writeString(
        folder.resolve("video_preprocessor_config.json"), QWEN3_VL.replace("16777216", "786432"));
    assertThat(QwenImageConfig.loadForVideo(folder).maxPixels()).isEqualTo(786432);
  }

  @Test
  void olderPixelLimitsWinOverSize() {
    QwenImageConfig config =
        parse(QWEN3_VL.replace("{\"size\"", "{\"max_pixels\": 70000, \"size\""));
    assertThat(config.minPixels()).isEqualTo(65536);
    assertThat(config.maxPixels()).isEqualTo(70000);
  }

  @Test
  void missingFileIsNamed() {
    assertThatThrownBy(() -> QwenImageConfig.load(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("preprocessor_config.json");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "patch_size",
        "temporal_patch_size",
        "merge_size",
        "size",
        "image_mean",
        "image_std"
      })
  void missingFieldIsNamed(String field) throws IOException {
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(QWEN3_VL);
    json.remove(field);
    assertThatThrownBy(() -> parse(json.toString()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("test.json")
        .hasMessageContaining(field);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "patch_size|0",
        "patch_size|-16",
        "patch_size|\"16\"",
        "patch_size|100000",
        "merge_size|2.5",
        "image_std|[0.5, 0.0, 0.5]",
        "image_std|[0.5, 0.5]",
        "image_mean|0.5",
        "resample|0",
        "rescale_factor|0",
        "do_resize|1",
        "size|{\"shortest_edge\": 10, \"longest_edge\": 5}",
        "size|{\"height\": 10, \"width\": 5}"
      })
  void invalidFieldIsNamed(String field, String value) throws IOException {
    ObjectNode json = (ObjectNode) new ObjectMapper().readTree(QWEN3_VL);
    json.set(field, new ObjectMapper().readTree(value));
    assertThatThrownBy(() -> parse(json.toString()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("test.json")
        .hasMessageContaining(field);
  }

  @Test
  void mutatedConfigurationsOnlyThrowTypedExceptions() {
    Random random = new Random(1);
    for (int i = 0; i < 3000; i++) {
      StringBuilder json = new StringBuilder(QWEN3_VL);
      for (int change = 0; change <= random.nextInt(3); change++) {
        int at = random.nextInt(json.length());
        switch (random.nextInt(3)) {
          case 0 -> json.setCharAt(at, (char) (32 + random.nextInt(95)));
          case 1 -> json.deleteCharAt(at);
          default -> json.insert(at, "99999999");
        }
      }
      try {
        parse(json.toString());
      } catch (VlmException e) {
        assertThat(e.getMessage()).contains("test.json");
      }
    }
  }

  @Test
  void pictureThatMayNotBeResizedMustFit() {
    QwenImageConfig config =
        parse(QWEN3_VL.replace("{\"size\"", "{\"do_resize\": false, \"size\""));
    QwenImageProcessor processor = new QwenImageProcessor(config);
    assertThat(processor.process(Image.ofRgb(new byte[3 * 64 * 32], 64, 32)).grid().width())
        .isEqualTo(4);
    assertThatThrownBy(() -> processor.process(Image.ofRgb(new byte[3 * 63 * 32], 63, 32)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no multiple of 32");
  }

  @Test
  void videoFramesMustAgreeInSize() {
    QwenVideoProcessor processor =
        new QwenVideoProcessor(parse(QWEN3_VL), QwenVideoProcessor.PixelLimits.ALL_FRAMES);
    Image small = Image.ofRgb(new byte[3 * 8 * 8], 8, 8);
    Image large = Image.ofRgb(new byte[3 * 9 * 8], 9, 8);
    assertThatThrownBy(() -> processor.process(List.of(small, large), 2))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("Frame 2");
    assertThatThrownBy(() -> processor.process(List.of(small), 2))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("1 frames");
    assertThatThrownBy(() -> processor.process(List.of(), 2)).isInstanceOf(InputException.class);
    assertThatThrownBy(() -> processor.process(List.of(small, small), 0))
        .isInstanceOf(InputException.class);
  }

  private static QwenImageConfig parse(String json) {
    return QwenImageConfig.of(ConfigNode.parse("test.json", json));
  }
}
