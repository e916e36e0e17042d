package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.text.contrastive.ContrastiveTokenizer;
import io.github.vlm4j.text.encoder.SiglipTextEncoder;
import io.github.vlm4j.text.encoder.TextEncoderConfig;
import io.github.vlm4j.vision.encoder.SiglipVisionEncoder;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import io.github.vlm4j.vision.preprocess.NaflexImageProcessor;
import java.nio.file.Path;

/**
 * A SigLIP or SigLIP 2 of Hugging Face: {@code SiglipModel}, {@code Siglip2Model}, or one tower.
 *
 * @param config its {@code config.json}
 */
record HuggingFaceSiglip(ConfigNode config) implements DualEncoderFormat {

  static final String BOTH = "siglip";
  static final String VISION = "siglip_vision_model";
  static final String TEXT = "siglip_text_model";
  static final String NAFLEX_BOTH = "siglip2";
  static final String NAFLEX_VISION = "siglip2_vision_model";
  static final String NAFLEX_TEXT = "siglip2_text_model";

  private static final int MAX_WIDTH = 1 << 20;

  @Override
  public String modelType() {
    return config.string("model_type");
  }

  @Override
  public String reason() {
    return "its configuration has the model_type \"" + modelType() + "\"";
  }

  private boolean hasBoth() {
    return modelType().equals(BOTH) || modelType().equals(NAFLEX_BOTH);
  }

  private boolean hasVision() {
    return hasBoth() || modelType().equals(VISION) || modelType().equals(NAFLEX_VISION);
  }

  private boolean hasText() {
    return hasBoth() || modelType().equals(TEXT) || modelType().equals(NAFLEX_TEXT);
  }

  /** SigLIP 2 for pictures of one size is published as a SigLIP. */
  private boolean isNaflex() {
    return modelType().startsWith(NAFLEX_BOTH);
  }

  @Override
  public DualEncoder assemble(WeightScope weights) {
    return new DualEncoder(
        hasVision() ? vision(weights) : null,
        hasText() ? text(weights) : null,
        Scoring.SIGMOID,
        hasBoth() ? weights.get("logit_scale", 1) : null,
        hasBoth() ? weights.get("logit_bias", 1) : null,
        hasVision() ? visionConfig().hiddenSize() : projectionSize());
  }

  private VisionEncoder vision(WeightScope weights) {
    WeightScope scope =
        Tower.scope(weights, "vision_model", "embeddings.position_embedding.weight");
    boolean hasHead = Tower.config(config, "vision_config").booleanOr("vision_use_head", true);
    return isNaflex()
        ? SiglipVisionEncoder.naflex(visionConfig(), scope, hasHead)
        : SiglipVisionEncoder.of(visionConfig(), scope, hasHead);
  }

  private VitConfig visionConfig() {
    ConfigNode vision = Tower.config(config, "vision_config");
    return isNaflex() ? VitConfig.readNaflex(vision) : VitConfig.readSiglip(vision);
  }

  private SiglipTextEncoder text(WeightScope weights) {
    ConfigNode text = Tower.config(config, "text_config");
    TextEncoderConfig sizes = TextEncoderConfig.readSiglip(text);
    return new SiglipTextEncoder(
        sizes,
        Tower.scope(weights, "text_model", "embeddings.token_embedding.weight"),
        projectionSize());
  }

  private int projectionSize() {
    ConfigNode text = Tower.config(config, "text_config");
    return text.has("projection_size")
        ? text.intBetween("projection_size", 1, MAX_WIDTH)
        : TextEncoderConfig.readSiglip(text).hiddenSize();
  }

  @Override
  public boolean mayIgnore(String tensor) {
    return Tower.mayIgnore(tensor);
  }

  @Override
  public PatchGrid grid() {
    int side = hasVision() ? visionConfig().gridSize() : 1;
    return new PatchGrid(1, side, side);
  }

  @Override
  public PictureProcessor pictures(Path folder) {
    if (isNaflex()) {
      return new NaflexPictures(
          NaflexImageProcessor.read(Tower.imageProcessor(CompanionFiles.in(folder))));
    }
    VitConfig sizes = visionConfig();
    ClipImageProcessor processor = new ClipImageProcessor(Tower.imageConfig(folder));
    return new FixedPictures(processor, sizes.imageSize(), sizes.patchSize(), true);
  }

  @Override
  public ContrastiveTokenizer tokenizer(Path folder) {
    TextEncoderConfig sizes = TextEncoderConfig.readSiglip(Tower.config(config, "text_config"));
    return ContrastiveTokenizer.load(folder, sizes.contextLength());
  }
}
