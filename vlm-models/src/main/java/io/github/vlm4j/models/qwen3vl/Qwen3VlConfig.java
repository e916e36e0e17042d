package io.github.vlm4j.models.qwen3vl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import io.github.vlm4j.vision.encoder.QwenVisionConfig;

/**
 * The {@code config.json} of a Qwen3-VL checkpoint, as transformers 4.57 and 5 write it.
 *
 * @param vision the vision tower
 * @param text the decoder
 * @param ropeTheta the base of the decoder's rotary frequencies
 * @param mropeSection how many frequencies belong to time, height and width
 * @param imageTokenId the placeholder of a picture's embeddings
 * @param videoTokenId the placeholder of a video's embeddings
 */
@SuppressWarnings("ArrayRecordComponent") // Read once, never compared.
record Qwen3VlConfig(
    QwenVisionConfig vision,
    GqaDecoderConfig text,
    double ropeTheta,
    int[] mropeSection,
    int imageTokenId,
    int videoTokenId) {

  private static final double DEFAULT_THETA = 500_000;

  private static final HuggingFaceDecoder.Defaults TEXT =
      new HuggingFaceDecoder.Defaults(
          151_936,
          4096,
          22_016,
          32,
          32,
          128,
          128_000,
          1e-6,
          HuggingFaceDecoder.Bias.CONFIGURED,
          true);

  static Qwen3VlConfig read(ConfigNode config) {
    ConfigNode textNode = config.object("text_config");
    QwenVisionConfig vision = QwenVisionConfig.readQwen3(config.object("vision_config"));
    GqaDecoderConfig text =
        HuggingFaceDecoder.read(textNode, TEXT, config.booleanOr("tie_word_embeddings", false));
    if (vision.outHiddenSize() != text.hiddenSize()) {
      throw config
          .object("vision_config")
          .invalid("out_hidden_size", "text_config.hidden_size, " + text.hiddenSize());
    }
    ConfigNode rope =
        textNode
            .objectIfPresent("rope_scaling")
            .filter(node -> !node.fields().isEmpty())
            .or(() -> textNode.objectIfPresent("rope_parameters"))
            .orElse(textNode);
    String ropeType = rope.stringOr("rope_type", rope.stringOr("type", "default"));
    if (!ropeType.equals("default") && !ropeType.equals("mrope")) {
      throw rope.invalid("rope_type", "\"default\", the only one Qwen3-VL models use");
    }
    double theta =
        rope.positiveDoubleOr("rope_theta", textNode.positiveDoubleOr("rope_theta", DEFAULT_THETA));
    int[] section = rope.intsOr("mrope_section", 24, 20, 20);
    if (section.length != 3) {
      throw rope.invalid("mrope_section", "three numbers: time, height, width");
    }
    int lastToken = text.vocabularySize() - 1;
    return new Qwen3VlConfig(
        vision,
        text,
        theta,
        section,
        intBetweenOr(config, "image_token_id", 151_655, 0, lastToken),
        intBetweenOr(config, "video_token_id", 151_656, 0, lastToken));
  }

  private static int intBetweenOr(
      ConfigNode node, String field, int defaultValue, int min, int max) {
    return node.has(field) ? node.intBetween(field, min, max) : defaultValue;
  }
}
