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

/** {@code model_type} {@code llava}: LLaVA 1.5 and what is built like it. */
public final class LlavaFamily implements ModelFamily {

  /** Creates the family. */
  public LlavaFamily() {}

  @Override
  public String name() {
    return "LLaVA";
  }

  @Override
  public List<String> modelTypes() {
    return List.of("llava");
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        new SupportedArchitecture(
            name(),
            modelTypes(),
            "Hugging Face folder, names of transformers 4 and 5",
            "CLIP ViT or SigLIP",
            "hidden state −2 or others, class token kept or not, MlpConnector (GELU or others)",
            "GqaDecoder: " + String.join(", ", HuggingFaceDecoder.MODEL_TYPES)));
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return Llava.assemble(LlavaConfig.read(model.requireConfig()), weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    LlavaConfig config = LlavaConfig.read(model.requireConfig());
    return LlavaProcessor.open(
        model,
        config,
        config.vision().pictures(model.files()),
        picture -> config.visualTokens(picture.grid()));
  }

  /** End-of-text ids that no generation_config.json names stand in the decoder's configuration. */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    return GenerationConfig.read(model.files(), model.requireConfig().object("text_config"));
  }

  /**
   * Early files hold the positions' numbers and the rotary frequencies, which are computed here.
   */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("embeddings.position_ids") || name.endsWith("rotary_emb.inv_freq");
  }
}
