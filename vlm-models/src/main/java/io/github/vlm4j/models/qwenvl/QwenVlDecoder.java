package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.text.decoder.GqaDecoderConfig;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder.Bias;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder.Defaults;
import java.util.Arrays;
import java.util.List;

/**
 * The decoder of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL, as transformers 4 and 5 configure it;
 * published Qwen2 and Qwen2.5 models keep its fields at the top of their {@code config.json}.
 *
 * @param config its sizes
 * @param ropeTheta the base of its rotary frequencies
 * @param mropeSections how many of these turn with the time, the height and the width
 */
public record QwenVlDecoder(
    GqaDecoderConfig config, double ropeTheta, List<Integer> mropeSections) {

  private static final String MOE_DECODER = "qwen3_vl_moe_text";
  private static final String SECTIONS = "mrope_section";

  private static final double QWEN2_THETA = 1_000_000;
  private static final double QWEN3_THETA = 500_000;

  private static final Defaults QWEN2_TEXT =
      new Defaults(152_064, 8192, 29_568, 80, 64, 0, 32_768, 1e-5, Bias.INPUTS, false);
  private static final Defaults QWEN3_TEXT =
      new Defaults(151_936, 4096, 22_016, 32, 32, 128, 128_000, 1e-6, Bias.CONFIGURED, true);
  private static final Defaults QWEN3_MOE_TEXT =
      new Defaults(151_936, 2048, 5632, 24, 16, 0, 128_000, 1e-6, Bias.CONFIGURED, true);

  /** Keeps an immutable copy. */
  public QwenVlDecoder {
    mropeSections = List.copyOf(mropeSections);
  }

  /** Returns the part of a configuration that describes the decoder. */
  public static ConfigNode text(ConfigNode config) {
    return config.objectIfPresent("text_config").orElse(config);
  }

  /**
   * Reads the {@code config.json} of Qwen2-VL or Qwen2.5-VL.
   *
   * @throws io.github.vlm4j.core.VlmException if a field has no usable value, naming it
   */
  public static QwenVlDecoder readQwen2(ConfigNode config) {
    ConfigNode textNode = text(config);
    boolean tied =
        config.booleanOr("tie_word_embeddings", false)
            || textNode.booleanOr("tie_word_embeddings", false);
    GqaDecoderConfig text = HuggingFaceDecoder.read(textNode, QWEN2_TEXT, tied);
    ConfigNode rope = rope(textNode);
    return of(
        text,
        theta(rope, textNode, QWEN2_THETA),
        covering(rope, text.attention().headDim() / 2, 16, 24, 24));
  }

  /**
   * Reads the {@code config.json} of Qwen3-VL without experts.
   *
   * @throws io.github.vlm4j.core.VlmException if a field has no usable value, naming it
   */
  public static QwenVlDecoder readQwen3(ConfigNode config) {
    return readQwen3(config, QWEN3_TEXT);
  }

  static QwenVlDecoder readQwen3Moe(ConfigNode config) {
    ConfigNode textNode = config.object("text_config");
    if (!textNode.string("model_type").equals(MOE_DECODER)) {
      throw textNode.invalid("model_type", "\"" + MOE_DECODER + "\", the one with experts");
    }
    return readQwen3(config, QWEN3_MOE_TEXT);
  }

  private static QwenVlDecoder readQwen3(ConfigNode config, Defaults defaults) {
    ConfigNode textNode = config.object("text_config");
    GqaDecoderConfig text =
        HuggingFaceDecoder.read(textNode, defaults, config.booleanOr("tie_word_embeddings", false));
    ConfigNode rope = rope(textNode);
    int[] sections = rope.intsOr(SECTIONS, 24, 20, 20);
    if (sections.length != 3) {
      throw rope.invalid(SECTIONS, "three numbers: time, height, width");
    }
    return of(text, theta(rope, textNode, QWEN3_THETA), sections);
  }

  private static QwenVlDecoder of(GqaDecoderConfig text, double theta, int[] sections) {
    return new QwenVlDecoder(text, theta, Arrays.stream(sections).boxed().toList());
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
  private static int[] covering(ConfigNode rope, int angles, int... defaults) {
    int[] sections = rope.intsOr(SECTIONS, defaults);
    long sum = 0;
    boolean usable = sections.length == 3;
    for (int section : sections) {
      usable &= section >= 0;
      sum += section;
    }
    if (!usable || sum != angles) {
      throw rope.invalid(
          SECTIONS,
          "three numbers, time, height and width, that make "
              + angles
              + " together, half of a head");
    }
    return sections;
  }

  /** Returns the sections as an array. */
  int[] sections() {
    return mropeSections.stream().mapToInt(Integer::intValue).toArray();
  }
}
