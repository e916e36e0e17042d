package io.github.vlm4j.models.gguf;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.GgufValue;
import io.github.vlm4j.models.llava.LlavaConfig;
import io.github.vlm4j.models.qwenvl.QwenVlDecoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model folder becomes in GGUF files.
 *
 * @param decoder what the file of the decoder says
 * @param decoderNames what its tensors are called
 * @param tower what the file of the vision encoder says, if there is one
 * @param places what begins the names of tensors in some folders, and what is meant; the first that
 *     fits counts
 * @param placeholders the tokens that stand for pictures and videos, which readers look for
 */
record GgufLayout(
    GgufDecoderMetadata decoder,
    GgufNames decoderNames,
    Optional<GgufTower> tower,
    List<Place> places,
    Map<String, Integer> placeholders) {

  private static final String MODEL_TYPE = "model_type";
  private static final String LANGUAGE = "model.language_model.";
  private static final String TOWER = "model.vision_tower.vision_model.";

  /** Early files hold the positions' numbers and the rotary frequencies, which are computed. */
  private static final Set<String> COMPUTED =
      Set.of("rotary_emb.inv_freq", "embeddings.position_ids");

  private static final List<Place> QWEN2 =
      List.of(
          new Place(LANGUAGE, "model."),
          new Place("language_model.", "model."),
          new Place("model.visual.", "visual."));

  private static final List<Place> QWEN3 =
      List.of(new Place("language_model.", LANGUAGE), new Place("visual.", "model.visual."));

  private static final List<Place> LLAVA =
      List.of(
          new Place("language_model.model.", LANGUAGE),
          new Place("language_model.lm_head.", "lm_head."),
          new Place("vision_tower.vision_model.", TOWER),
          new Place("vision_tower.", TOWER),
          new Place(TOWER, TOWER),
          new Place("model.vision_tower.", TOWER),
          new Place("multi_modal_projector.", "model.multi_modal_projector."));

  /**
   * What the names of a part's tensors begin with.
   *
   * @param here in a folder
   * @param meant in {@link GgufNames}
   */
  record Place(String here, String meant) {}

  /**
   * Reads a model folder.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   * @throws ModelException if llama.cpp has no such model
   */
  static GgufLayout read(Path folder, ConfigNode config) {
    return switch (config.string(MODEL_TYPE)) {
      case "qwen2_vl" -> qwen2(GgufVision.Kind.QWEN2, folder, config);
      case "qwen2_5_vl" -> qwen2(GgufVision.Kind.QWEN2_5, folder, config);
      case "qwen3_vl" -> qwen3(folder, config);
      case "llava" -> llava(folder, config);
      default -> text(config);
    };
  }

  private static GgufLayout text(ConfigNode config) {
    if (!GgufDecoderMetadata.knows(config.string(MODEL_TYPE))) {
      throw config.invalid(
          MODEL_TYPE,
          "llama, mistral, qwen2, qwen3, qwen2_vl, qwen2_5_vl, qwen3_vl or llava, the models that"
              + " are written as GGUF");
    }
    return new GgufLayout(
        GgufDecoderMetadata.of(config, config.booleanOr("tie_word_embeddings", false)),
        GgufNames.decoder("model."),
        Optional.empty(),
        List.of(),
        Map.of());
  }

  private static GgufLayout qwen2(GgufVision.Kind kind, Path folder, ConfigNode config) {
    return new GgufLayout(
        GgufDecoderMetadata.qwenVl(
            QwenVlDecoder.text(config),
            QwenVlDecoder.readQwen2(config),
            "qwen2vl",
            OptionalInt.empty()),
        GgufNames.decoder("model."),
        Optional.of(GgufTowerMetadata.qwen(kind, config.object("vision_config"), folder)),
        QWEN2,
        qwenPlaceholders(config));
  }

  private static GgufLayout qwen3(Path folder, ConfigNode config) {
    ConfigNode vision = config.object("vision_config");
    GgufTower tower = GgufTowerMetadata.qwen(GgufVision.Kind.QWEN3, vision, folder);
    return new GgufLayout(
        GgufDecoderMetadata.qwenVl(
            QwenVlDecoder.text(config),
            QwenVlDecoder.readQwen3(config),
            "qwen3vl",
            OptionalInt.of(tower.names().deepstackLevels())),
        GgufNames.decoder(LANGUAGE),
        Optional.of(tower),
        QWEN3,
        qwenPlaceholders(config));
  }

  private static Map<String, Integer> qwenPlaceholders(ConfigNode config) {
    return Map.of(
        GgufModel.QWEN_PICTURE,
        config.nonNegativeIntOr("image_token_id", 151_655),
        GgufModel.QWEN_VIDEO,
        config.nonNegativeIntOr("video_token_id", 151_656));
  }

  private static GgufLayout llava(Path folder, ConfigNode config) {
    LlavaConfig llava = LlavaConfig.read(config);
    return new GgufLayout(
        GgufDecoderMetadata.of(llava.text(), llava.tied()),
        GgufNames.decoder(LANGUAGE),
        Optional.of(GgufTowerMetadata.llava(llava, config.object("vision_config"), folder)),
        LLAVA,
        Map.of(GgufModel.LLAVA_PICTURE, llava.imageTokenId()));
  }

  /** Returns Hugging Face's name of a tensor, whatever the folder's version. */
  String canonical(String source) {
    for (Place place : places) {
      if (source.startsWith(place.here)) {
        return place.meant + source.substring(place.here.length());
      }
    }
    return source;
  }

  /** Returns whether a tensor is computed by readers, so that it is left out. */
  boolean leavesOut(String canonical) {
    boolean tiedHead = decoder.decoder().tiedEmbeddings() && canonical.equals("lm_head.weight");
    return tiedHead || COMPUTED.stream().anyMatch(canonical::endsWith);
  }

  /**
   * Checks that readers will find the placeholders.
   *
   * @param tokenizer the metadata that says the vocabulary
   * @throws ModelException if a placeholder is another token, or none
   */
  void requirePlaceholders(ConfigNode config, Map<String, GgufValue> tokenizer) {
    List<String> tokens =
        tokenizer.get("tokenizer.ggml.tokens") instanceof GgufValue.Texts(List<String> texts)
            ? texts
            : List.of();
    placeholders.forEach((token, id) -> {
      if (id >= tokens.size() || !tokens.get(id).equals(token)) {
        throw new ModelException(
            config.where()
                + " has the token "
                + id
                + " for pictures or videos, which must be "
                + token
                + " in the tokenizer, as readers of GGUF files look for that.");
      }
    });
  }
}
