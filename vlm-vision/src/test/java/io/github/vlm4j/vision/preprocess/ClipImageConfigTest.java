package io.github.vlm4j.vision.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.vision.preprocess.ClipImageConfig.Reference;
import io.github.vlm4j.vision.preprocess.ResizeRule.Fit;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClipImageConfigTest {

  @Test
  void oldPublishedFormHasPlainNumbersForSizes() {
    ClipImageConfig config =
        read("{'feature_extractor_type':'CLIPFeatureExtractor','size':336,'crop_size':336}");

    assertThat(config.size()).isEqualTo(new ResizeRule(Fit.SHORTEST_EDGE, 336, 336));
    assertThat(config.cropHeight()).isEqualTo(336);
    assertThat(config.doCenterCrop()).isTrue();
    assertThat(config.resample()).isEqualTo(ResampleFilter.BICUBIC);
    assertThat(config.imageMean()).containsExactly(0.48145466, 0.4578275, 0.40821073);
  }

  @Test
  void nestedProcessorIsFound() {
    ClipImageConfig config =
        read(
            "{'image_processor':{'size':{'shortest_edge':64},'crop_size':{'height':60,'width':50}}}");

    assertThat(config.size().height()).isEqualTo(64);
    assertThat(config.cropHeight()).isEqualTo(60);
    assertThat(config.cropWidth()).isEqualTo(50);
  }

  @Test
  void siglipSquashesAndDoesNotCrop() {
    ClipImageConfig config = read("{'image_processor_type':'SiglipImageProcessor'}");

    assertThat(config.size()).isEqualTo(new ResizeRule(Fit.EXACT, 224, 224));
    assertThat(config.doCenterCrop()).isFalse();
    assertThat(config.imageStd()).isEqualTo(List.of(0.5, 0.5, 0.5));
  }

  @Test
  void openClipConfigChangesTheStandardTransform() {
    ConfigNode node =
        ConfigNode.parse(
            "open_clip_config.json",
            "{\"mean\":0.5,\"std\":[0.1,0.2,0.3],\"interpolation\":\"bilinear\","
                + "\"resize_mode\":\"squash\"}");

    ClipImageConfig config = ClipImageConfig.openClip(node, 256);

    assertThat(config.reference()).isEqualTo(Reference.OPEN_CLIP);
    assertThat(config.size()).isEqualTo(new ResizeRule(Fit.EXACT, 256, 256));
    assertThat(config.doCenterCrop()).isFalse();
    assertThat(config.resample()).isEqualTo(ResampleFilter.BILINEAR);
    assertThat(config.imageMean()).containsExactly(0.5, 0.5, 0.5);
    assertThat(config.imageStd()).containsExactly(0.1, 0.2, 0.3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'size':0} | size",
        "{'size':'large'} | size",
        "{'size':{'longest_edge':224}} | size",
        "{'size':{'shortest_edge':224,'longest_edge':300}} | size",
        "{'size':{'height':224,'width':100000}} | size.width",
        "{'crop_size':{'height':224}} | crop_size.width",
        "{'resample':9} | resample",
        "{'do_resize':1} | do_resize",
        "{'rescale_factor':0} | rescale_factor",
        "{'image_mean':[0.5]} | image_mean",
        "{'image_std':[0.5,0.5,0]} | image_std",
        "{'image_processor_type':'DetrImageProcessor'} | image_processor_type"
      })
  void invalidFieldIsNamed(String json, String field) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("preprocessor_config.json: ")
        .hasMessageContaining(field);
  }

  private static ClipImageConfig read(String json) {
    return ClipImageConfig.read(
        ConfigNode.parse("preprocessor_config.json", json.replace('\'', '"')));
  }
}
