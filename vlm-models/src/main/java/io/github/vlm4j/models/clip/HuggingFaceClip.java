package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.core.model.VisionEncoder;
import io.github.vlm4j.core.nn.Linear;
import io.github.vlm4j.core.weights.Weight;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.PictureProcessor;
import io.github.vlm4j.text.contrastive.ContrastiveTokenizer;
import io.github.vlm4j.text.encoder.ClipTextEncoder;
import io.github.vlm4j.text.encoder.EndOfText;
import io.github.vlm4j.text.encoder.TextEncoderConfig;
import io.github.vlm4j.vision.encoder.ClipVisionEncoder;
import io.github.vlm4j.vision.encoder.VitConfig;
import io.github.vlm4j.vision.preprocess.ClipImageProcessor;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A CLIP of Hugging Face: {@code CLIPModel}, or one tower of it with or without its projection.
 *
 * @param config its {@code config.json}
 */
record HuggingFaceClip(ConfigNode config) implements DualEncoderFormat {

  static final String BOTH = "clip";
  static final String VISION = "clip_vision_model";
  static final String TEXT = "clip_text_model";

  private static final int DEFAULT_PROJECTION = 512;
  private static final int MAX_WIDTH = 1 << 20;
  private static final int END_OF_TEXT = 49_407;

  @Override
  public String modelType() {
    return config.string("model_type");
  }

  @Override
  public String reason() {
    return "its configuration has the model_type \"" + modelType() + "\"";
  }

  @Override
  public DualEncoder assemble(WeightScope weights) {
    VisionEncoder vision = null;
    TextEncoder text = null;
    int dimension = 0;
    if (!modelType().equals(TEXT)) {
      VitConfig sizes = visionConfig();
      Linear projection = projection(weights, "visual_projection", sizes.hiddenSize());
      WeightScope scope = Tower.scope(weights, "vision_model", "embeddings.class_embedding");
      vision = ClipVisionEncoder.of(sizes, scope, projection);
      dimension = outputs(projection, sizes.hiddenSize());
    }
    if (!modelType().equals(VISION)) {
      ConfigNode config = Tower.config(this.config, "text_config");
      TextEncoderConfig sizes = TextEncoderConfig.readClip(config);
      Linear projection = projection(weights, "text_projection", sizes.hiddenSize());
      WeightScope scope = Tower.scope(weights, "text_model", "embeddings.token_embedding.weight");
      EndOfText end = EndOfText.ofEosTokenId(config.intOr("eos_token_id", END_OF_TEXT));
      text = ClipTextEncoder.of(sizes, end, scope, projection);
      dimension = outputs(projection, sizes.hiddenSize());
    }
    Weight scale = modelType().equals(BOTH) ? weights.get("logit_scale") : null;
    return new DualEncoder(vision, text, Scoring.SOFTMAX, scale, null, dimension);
  }

  private static int outputs(@Nullable Linear projection, int hidden) {
    return projection == null ? hidden : (int) projection.weight().shape().dim(0);
  }

  private VitConfig visionConfig() {
    return VitConfig.readClip(Tower.config(config, "vision_config"));
  }

  /** A tower alone has a projection only if its class or its tensors say so. */
  private @Nullable Linear projection(WeightScope weights, String name, int hidden) {
    boolean declared =
        config.has("architectures")
            && config.strings("architectures").stream()
                .anyMatch(architecture -> architecture.endsWith("WithProjection"));
    if (!modelType().equals(BOTH) && !declared && !weights.at(name).has("weight")) {
      return null;
    }
    int dimension =
        config.has("projection_dim")
            ? config.intBetween("projection_dim", 1, MAX_WIDTH)
            : DEFAULT_PROJECTION;
    return Linear.withoutBias(weights.at(name), hidden, dimension);
  }

  @Override
  public boolean mayIgnore(String tensor) {
    return Tower.mayIgnore(tensor);
  }

  @Override
  public PatchGrid grid() {
    int side = modelType().equals(TEXT) ? 1 : visionConfig().gridSize();
    return new PatchGrid(1, side, side);
  }

  @Override
  public PictureProcessor pictures(Path folder) {
    VitConfig sizes = visionConfig();
    ClipImageProcessor processor = new ClipImageProcessor(Tower.imageConfig(folder));
    return new FixedPictures(processor, sizes.imageSize(), sizes.patchSize(), true);
  }

  @Override
  public ContrastiveTokenizer tokenizer(Path folder) {
    TextEncoderConfig sizes = TextEncoderConfig.readClip(Tower.config(config, "text_config"));
    return ContrastiveTokenizer.load(folder, sizes.contextLength());
  }
}
