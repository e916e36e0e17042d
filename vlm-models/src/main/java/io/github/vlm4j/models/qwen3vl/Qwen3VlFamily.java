package io.github.vlm4j.models.qwen3vl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.VisionLanguageArchitecture;
import java.nio.file.Path;
import java.util.function.Predicate;

/** {@code model_type} {@code qwen3_vl}: the dense Qwen3-VL models. */
public final class Qwen3VlFamily implements ModelFamily {

  /** Creates the family. */
  public Qwen3VlFamily() {}

  @Override
  public String modelType() {
    return "qwen3_vl";
  }

  @Override
  public VisionLanguageArchitecture assemble(ConfigNode config, WeightScope weights) {
    return new Qwen3Vl(Qwen3VlConfig.read(config), weights);
  }

  @Override
  public PromptProcessor processor(Path folder, ConfigNode config) {
    return Qwen3VlProcessor.open(folder, Qwen3VlConfig.read(config));
  }

  /** Some exports store the rotary frequencies, which are computed here. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("rotary_emb.inv_freq");
  }

  @Override
  public ConfigNode textConfig(ConfigNode config) {
    return config.object("text_config");
  }
}
