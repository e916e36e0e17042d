package io.github.vlm4j.models.llava;

import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import io.github.vlm4j.text.generate.GenerationConfig;
import java.util.List;
import java.util.function.Predicate;

/** {@code model_type} {@code llava_next}: LLaVA 1.6, which reads pictures in tiles. */
public final class LlavaNextFamily implements ModelFamily {

  /** Creates the family. */
  public LlavaNextFamily() {}

  @Override
  public String name() {
    return "LLaVA-NeXT";
  }

  @Override
  public List<String> modelTypes() {
    return List.of("llava_next");
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        new SupportedArchitecture(
            name(),
            modelTypes(),
            "Hugging Face folder, names of transformers 4 and 5",
            "CLIP ViT or SigLIP, of the whole picture and of its tiles",
            "as LLaVA, tiles joined without padding, an embedding at each line's end",
            "GqaDecoder: " + String.join(", ", HuggingFaceDecoder.MODEL_TYPES)));
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return LlavaNext.assemble(LlavaNextConfig.read(model.requireConfig()), weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    LlavaNextConfig config = LlavaNextConfig.read(model.requireConfig());
    return LlavaProcessor.open(
        model,
        config.llava(),
        TiledPictures.open(model.folder(), config),
        picture -> config.visualTokens(picture.grid()));
  }

  /** End-of-text ids that no generation_config.json names stand in the decoder's configuration. */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    return GenerationConfig.read(model.folder(), model.requireConfig().object("text_config"));
  }

  /**
   * Early files hold the positions' numbers and the rotary frequencies, which are computed here.
   */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("embeddings.position_ids") || name.endsWith("rotary_emb.inv_freq");
  }
}
