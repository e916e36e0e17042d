package io.github.vlm4j.models.qwen3vl;

import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.generate.GenerationConfig;
import java.util.List;
import java.util.function.Predicate;

/** {@code model_type} {@code qwen3_vl}: the dense Qwen3-VL models. */
public final class Qwen3VlFamily implements ModelFamily {

  /** Creates the family. */
  public Qwen3VlFamily() {}

  @Override
  public String name() {
    return "Qwen3-VL";
  }

  @Override
  public List<String> modelTypes() {
    return List.of("qwen3_vl");
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        new SupportedArchitecture(
            name(),
            modelTypes(),
            "Hugging Face folder",
            "Qwen vision transformer: 2D rotary, interpolated positions, any size, video",
            "PatchMerger 2×2 (GELU), and one for each DeepStack level",
            "GqaDecoder: Qwen3, q/k norms, interleaved M-RoPE"));
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return Qwen3Vl.assemble(Qwen3VlConfig.read(model.requireConfig()), weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    return Qwen3VlProcessor.open(
        model.parts().tokenizerPath(), Qwen3VlConfig.read(model.requireConfig()));
  }

  /** End-of-text ids that no generation_config.json names stand in the decoder's configuration. */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    return GenerationConfig.read(model.folder(), model.requireConfig().object("text_config"));
  }

  /** Some exports store the rotary frequencies, which are computed here. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("rotary_emb.inv_freq");
  }
}
