package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder.Bias;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder.Defaults;
import io.github.vlm4j.text.decoder.MultimodalRotary;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;

/**
 * The {@code config.json} of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL checkpoint, as transformers 4 and 5
 * write it; published Qwen2 and Qwen2.5 models keep the decoder's fields at the top.
 *
 * @param vision the vision tower
 * @param text the decoder
 * @param rotary the decoder's angles
 * @param videos how videos stand in a prompt
 * @param imageTokenId the placeholder of a picture's embeddings
 * @param videoTokenId the placeholder of a video's embeddings
 */
record QwenVlConfig(
    QwenVisionConfig vision,
    GqaDecoderConfig text,
    MultimodalRotary rotary,
    VideoLayout videos,
    int imageTokenId,
    int videoTokenId) {

  private static final String MOE_DECODER = "qwen3_vl_moe_text";

  private static final double QWEN2_THETA = 1_000_000;
  private static final double QWEN3_THETA = 500_000;

  private static final Defaults QWEN2_TEXT =
      new Defaults(152_064, 8192, 29_568, 80, 64, 0, 32_768, 1e-5, Bias.INPUTS, false);
  private static final Defaults QWEN3_TEXT =
      new Defaults(151_936, 4096, 22_016, 32, 32, 128, 128_000, 1e-6, Bias.CONFIGURED, true);
  private static final Defaults QWEN3_MOE_TEXT =
      new Defaults(151_936, 2048, 5632, 24, 16, 0, 128_000, 1e-6, Bias.CONFIGURED, true);

  /** Returns the part of a configuration that describes the decoder. */
  static ConfigNode text(ConfigNode config) {
    return config.objectIfPresent("text_config").orElse(config);
  }

  static QwenVlConfig readQwen2(ConfigNode config) {
    ConfigNode vision = config.object("vision_config");
    return readQwen2(
        config, QwenVisionConfig.readQwen2(vision), "hidden_size", new VideoLayout.Counted());
  }

  static QwenVlConfig readQwen25(ConfigNode config) {
    ConfigNode vision = config.object("vision_config");
    VideoLayout videos = new VideoLayout.Timed(vision.positiveIntOr("tokens_per_second", 4));
    return readQwen2(config, QwenVisionConfig.readQwen25(vision), "out_hidden_size", videos);
  }

  private static QwenVlConfig readQwen2(
      ConfigNode config, QwenVisionConfig vision, String embeddingField, VideoLayout videos) {
    ConfigNode textNode = text(config);
    boolean tied =
        config.booleanOr("tie_word_embeddings", false)
            || textNode.booleanOr("tie_word_embeddings", false);
    GqaDecoderConfig text = HuggingFaceDecoder.read(textNode, QWEN2_TEXT, tied);
    requireSameWidth(config, embeddingField, vision, text);
    ConfigNode rope = rope(textNode);
    MultimodalRotary rotary =
        MultimodalRotary.sectioned(
            text.attention().headDim(),
            theta(rope, textNode, QWEN2_THETA),
            sections(rope, text.attention().headDim() / 2, 16, 24, 24));
    return of(config, vision, text, rotary, videos);
  }

  static QwenVlConfig readQwen3(ConfigNode config) {
    return readQwen3(config, QWEN3_TEXT);
  }

  static QwenVlConfig readQwen3Moe(ConfigNode config) {
    ConfigNode textNode = config.object("text_config");
    if (!textNode.string("model_type").equals(MOE_DECODER)) {
      throw textNode.invalid("model_type", "\"" + MOE_DECODER + "\", the one with experts");
    }
    return readQwen3(config, QWEN3_MOE_TEXT);
  }

  private static QwenVlConfig readQwen3(ConfigNode config, Defaults defaults) {
    ConfigNode textNode = config.object("text_config");
    QwenVisionConfig vision = QwenVisionConfig.readQwen3(config.object("vision_config"));
    GqaDecoderConfig text =
        HuggingFaceDecoder.read(textNode, defaults, config.booleanOr("tie_word_embeddings", false));
    requireSameWidth(config, "out_hidden_size", vision, text);
    ConfigNode rope = rope(textNode);
    int[] sections = rope.intsOr("mrope_section", 24, 20, 20);
    if (sections.length != 3) {
      throw rope.invalid("mrope_section", "three numbers: time, height, width");
    }
    MultimodalRotary rotary =
        MultimodalRotary.interleaved(
            text.attention().headDim(), theta(rope, textNode, QWEN3_THETA), sections);
    return of(config, vision, text, rotary, new VideoLayout.Timestamped());
  }

  private static QwenVlConfig of(
      ConfigNode config,
      QwenVisionConfig vision,
      GqaDecoderConfig text,
      MultimodalRotary rotary,
      VideoLayout videos) {
    int lastToken = text.vocabularySize() - 1;
    return new QwenVlConfig(
        vision,
        text,
        rotary,
        videos,
        tokenOr(config, "image_token_id", 151_655, lastToken),
        tokenOr(config, "video_token_id", 151_656, lastToken));
  }

  private static void requireSameWidth(
      ConfigNode config, String field, QwenVisionConfig vision, GqaDecoderConfig text) {
    if (vision.outHiddenSize() != text.hiddenSize()) {
      throw config
          .object("vision_config")
          .invalid(field, "the decoder's hidden_size, " + text.hiddenSize());
    }
  }

  private static ConfigNode rope(ConfigNode textNode) {
    ConfigNode rope =
        textNode
            .objectIfPresent("rope_scaling")
            .filter(node -> !node.fields().isEmpty())
            .or(() -> textNode.objectIfPresent("rope_parameters"))
            .orElse(textNode);
    String field = rope.has("rope_type") ? "rope_type" : "type";
    String type = rope.stringOr(field, "default");
    if (!type.equals("default") && !type.equals("mrope")) {
      throw rope.invalid(field, "\"default\" or \"mrope\", the ones that are supported here");
    }
    return rope;
  }

  private static double theta(ConfigNode rope, ConfigNode textNode, double defaultTheta) {
    return rope.positiveDoubleOr(
        "rope_theta", textNode.positiveDoubleOr("rope_theta", defaultTheta));
  }

  /** Sections one after the other must cover all angles. */
  private static int[] sections(ConfigNode rope, int angles, int... defaults) {
    int[] sections = rope.intsOr("mrope_section", defaults);
    long sum = 0;
    boolean usable = sections.length == 3;
    for (int section : sections) {
      usable &= section >= 0;
      sum += section;
    }
    if (!usable || sum != angles) {
      throw rope.invalid(
          "mrope_section",
          "three numbers, time, height and width, that make "
              + angles
              + " together, half of a head");
    }
    return sections;
  }

  private static int tokenOr(ConfigNode node, String field, int defaultValue, int last) {
    return node.has(field) ? node.intBetween(field, 0, last) : defaultValue;
  }
}
