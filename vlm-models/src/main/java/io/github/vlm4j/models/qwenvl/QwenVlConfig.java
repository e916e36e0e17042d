package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.MultimodalRotary;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;

/**
 * The {@code config.json} of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL checkpoint, as transformers 4 and 5
 * write it.
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
    QwenVlDecoder decoder = QwenVlDecoder.readQwen2(config);
    GqaDecoderConfig text = decoder.config();
    requireSameWidth(config, embeddingField, vision, text);
    MultimodalRotary rotary =
        MultimodalRotary.sectioned(
            text.attention().headDim(), decoder.ropeTheta(), decoder.sections());
    return of(config, vision, text, rotary, videos);
  }

  static QwenVlConfig readQwen3(ConfigNode config) {
    return readQwen3(config, QwenVlDecoder.readQwen3(config));
  }

  static QwenVlConfig readQwen3Moe(ConfigNode config) {
    return readQwen3(config, QwenVlDecoder.readQwen3Moe(config));
  }

  private static QwenVlConfig readQwen3(ConfigNode config, QwenVlDecoder decoder) {
    QwenVisionConfig vision = QwenVisionConfig.readQwen3(config.object("vision_config"));
    GqaDecoderConfig text = decoder.config();
    requireSameWidth(config, "out_hidden_size", vision, text);
    MultimodalRotary rotary =
        MultimodalRotary.interleaved(
            text.attention().headDim(), decoder.ropeTheta(), decoder.sections());
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

  private static int tokenOr(ConfigNode node, String field, int defaultValue, int last) {
    return node.has(field) ? node.intBetween(field, 0, last) : defaultValue;
  }
}
