package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.graph.Activation;
import io.github.vlm4j.core.model.FeatureSelection;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.models.clip.PictureTower;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import java.util.Arrays;
import java.util.List;

/**
 * The {@code config.json} of a LLaVA checkpoint, as transformers 4.36 to 5 write it.
 *
 * @param vision the vision tower
 * @param features which of its hidden states the projector reads
 * @param dropsFirstPatch whether, as there is no class token to leave out, the first patch is
 * @param projectorActivation the non-linearity between the projector's two layers
 * @param projectorBias whether these have biases
 * @param text the decoder's configuration
 * @param tied whether the head is the table of token embeddings
 * @param vocabularySize the number of the decoder's tokens
 * @param imageTokenId the placeholder of a picture's embeddings
 */
public record LlavaConfig(
    PictureTower vision,
    FeatureSelection features,
    boolean dropsFirstPatch,
    Activation projectorActivation,
    boolean projectorBias,
    ConfigNode text,
    boolean tied,
    int vocabularySize,
    int imageTokenId) {

  static final String STRATEGY = "vision_feature_select_strategy";

  private static final int DEFAULT_LAYER = -2;
  private static final int DEFAULT_IMAGE_TOKEN = 32_000;
  private static final int MAX_FEATURE_LAYERS = 64;

  /**
   * Reads a {@code config.json}.
   *
   * @throws io.github.vlm4j.core.VlmException if a field has no usable value, naming it
   */
  public static LlavaConfig read(ConfigNode config) {
    PictureTower vision = vision(config);
    boolean dropsFirst = dropsFirst(config, true);
    ConfigNode text = config.object("text_config");
    boolean tied =
        config.booleanOr("tie_word_embeddings", false)
            || text.booleanOr("tie_word_embeddings", false);
    int vocabularySize = HuggingFaceDecoder.read(text, tied).vocabularySize();
    return new LlavaConfig(
        vision,
        new FeatureSelection(layers(config, vision.sizes().layers()), dropsFirst),
        dropsFirst && !hasClassToken(vision),
        Activation.named(
            config.stringOr("projector_hidden_act", "gelu"),
            config.where() + ".projector_hidden_act"),
        config.booleanOr("multimodal_projector_bias", true),
        text,
        tied,
        vocabularySize,
        imageToken(config, vocabularySize));
  }

  /** Returns whether the first row is left out; the processor's configuration says it, too. */
  static boolean dropsFirst(ConfigNode node, boolean otherwise) {
    return switch (node.stringOr(STRATEGY, otherwise ? "default" : "full")) {
      case "default" -> true;
      case "full" -> false;
      default -> throw node.invalid(STRATEGY, "\"default\" or \"full\"");
    };
  }

  private static PictureTower vision(ConfigNode config) {
    ConfigNode vision = config.object("vision_config");
    PictureTower tower = PictureTower.read(vision);
    if (tower.kind() == PictureTower.Kind.NAFLEX) {
      throw vision.invalid("model_type", "clip_vision_model or siglip_vision_model");
    }
    return tower;
  }

  private static List<Integer> layers(ConfigNode config, int depth) {
    String field = "vision_feature_layer";
    int[] layers = config.has(field) ? config.oneOrMoreInts(field) : new int[] {DEFAULT_LAYER};
    if (layers.length == 0
        || layers.length > MAX_FEATURE_LAYERS
        || Arrays.stream(layers).anyMatch(layer -> layer < -depth - 1 || layer > depth)) {
      throw config.invalid(
          field,
          "one or more indexes of hidden states, from %d to %d, as the encoder has %d layers"
              .formatted(-depth - 1, depth, depth));
    }
    return Arrays.stream(layers).boxed().toList();
  }

  private static int imageToken(ConfigNode config, int vocabularySize) {
    String field = config.has("image_token_index") ? "image_token_index" : "image_token_id";
    return config.has(field)
        ? config.intBetween(field, 0, vocabularySize - 1)
        : Math.min(DEFAULT_IMAGE_TOKEN, vocabularySize - 1);
  }

  private static boolean hasClassToken(PictureTower vision) {
    return vision.kind() == PictureTower.Kind.CLIP;
  }

  /** Returns how many rows an encoder has before its patches. */
  int prefixTokens() {
    return hasClassToken(vision) ? 1 : 0;
  }

  /** Returns whether the first row of the hidden states is left out, whatever it is. */
  boolean dropsFirst() {
    return features.dropsPrefix();
  }

  /** Returns how many embeddings a grid of patches becomes. */
  int visualTokens(PatchGrid grid) {
    return grid.patches() + prefixTokens() - (dropsFirst() ? 1 : 0);
  }
}
