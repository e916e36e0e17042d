package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.vision.encoder.ClipVisionEncoder;
import io.github.vlm4j.vision.encoder.SiglipVisionEncoder;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.preprocess.ClipImageConfig;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import io.github.vlm4j.vision.preprocess.NaflexImageProcessor;
import java.nio.file.Path;
import java.util.List;

/**
 * The picture side of a CLIP, SigLIP or SigLIP 2 of Hugging Face, without a projection: what models
 * that write take as their vision encoder.
 *
 * @param kind which of them it is
 * @param config its {@code vision_config}
 * @param sizes its sizes
 */
public record PictureTower(Kind kind, ConfigNode config, VitConfig sizes) {

  /** The vision encoders there are. */
  public enum Kind {
    /** CLIP: a class token before the patches, no norm after the last layer. */
    CLIP,
    /** SigLIP, and SigLIP 2 for pictures of one size. */
    SIGLIP,
    /** SigLIP 2 for pictures of any aspect ratio. */
    NAFLEX
  }

  /**
   * Reads a configuration: of a dual encoder, of a vision encoder alone, or the {@code
   * vision_config} within another model's.
   *
   * @throws io.github.vlm4j.core.CheckpointException if it is of another encoder or a field has no
   *     usable value
   */
  public static PictureTower read(ConfigNode config) {
    ConfigNode vision = Tower.config(config, "vision_config");
    return switch (config.string("model_type")) {
      case HuggingFaceClip.BOTH, HuggingFaceClip.VISION ->
          new PictureTower(Kind.CLIP, vision, VitConfig.readClip(vision));
      case HuggingFaceSiglip.BOTH, HuggingFaceSiglip.VISION ->
          new PictureTower(Kind.SIGLIP, vision, VitConfig.readSiglip(vision));
      case HuggingFaceSiglip.NAFLEX_BOTH, HuggingFaceSiglip.NAFLEX_VISION ->
          new PictureTower(Kind.NAFLEX, vision, VitConfig.readNaflex(vision));
      default ->
          throw config.invalid(
              "model_type",
              "that of a vision encoder: "
                  + String.join(
                      ", ",
                      List.of(
                          HuggingFaceClip.VISION,
                          HuggingFaceSiglip.VISION,
                          HuggingFaceSiglip.NAFLEX_VISION)));
    };
  }

  /**
   * Puts the encoder together.
   *
   * @param weights where its tensors begin, with or without {@code vision_model} before them
   */
  public VisionEncoder encoder(WeightScope weights) {
    return switch (kind) {
      case CLIP ->
          ClipVisionEncoder.of(
              sizes, Tower.scope(weights, "vision_model", "embeddings.class_embedding"), null);
      case SIGLIP -> SiglipVisionEncoder.of(sizes, siglip(weights), hasHead(siglip(weights)));
      case NAFLEX -> SiglipVisionEncoder.naflex(sizes, siglip(weights), hasHead(siglip(weights)));
    };
  }

  private static WeightScope siglip(WeightScope weights) {
    return Tower.scope(weights, "vision_model", "embeddings.position_embedding.weight");
  }

  /** Nothing that writes reads what the head pools, so that it need not be there. */
  private boolean hasHead(WeightScope scope) {
    return config.booleanOr("vision_use_head", true) && scope.has("head.probe");
  }

  /** Returns the grid of patches that positions were learned for. */
  public PatchGrid grid() {
    return new PatchGrid(1, sizes.gridSize(), sizes.gridSize());
  }

  /**
   * Returns the most patches that a picture is cut into.
   *
   * @param folder where {@code preprocessor_config.json} is, which says it of pictures of any grid
   * @throws io.github.vlm4j.core.VlmException if the file is needed and missing or malformed
   */
  public int maxPatches(Path folder) {
    return kind == Kind.NAFLEX
        ? NaflexImageProcessor.read(Tower.imageProcessor(CompanionFiles.in(folder))).maxPatches()
        : grid().patches();
  }

  /**
   * Returns what says how pictures are prepared.
   *
   * @param folder where {@code preprocessor_config.json} is, or {@code processor_config.json} with
   *     an {@code image_processor} in it
   * @throws io.github.vlm4j.core.CheckpointException if there is no such file or it is malformed
   */
  public static ConfigNode imageProcessor(Path folder) {
    return Tower.imageProcessor(CompanionFiles.in(folder));
  }

  /**
   * Opens what prepares pictures.
   *
   * @param folder where {@code preprocessor_config.json} is
   * @throws io.github.vlm4j.core.VlmException if the file is missing or malformed
   */
  public PictureProcessor pictures(Path folder) {
    return pictures(CompanionFiles.in(folder));
  }

  /**
   * Opens what prepares pictures.
   *
   * @param files hold {@code preprocessor_config.json}
   * @throws io.github.vlm4j.core.VlmException if the file is missing or malformed
   */
  public PictureProcessor pictures(CompanionFiles files) {
    ConfigNode processor = Tower.imageProcessor(files);
    return kind == Kind.NAFLEX
        ? new NaflexPictures(NaflexImageProcessor.read(processor))
        : new FixedPictures(
            new ClipImageProcessor(ClipImageConfig.read(processor)),
            sizes.imageSize(),
            sizes.patchSize(),
            true);
  }
}
