package io.github.vlm4j.models.qwenvl;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.generate.GenerationConfig;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** The generations of Qwen's vision-language models, which differ in their configurations. */
public final class QwenVlFamily implements ModelFamily {

  private final SupportedArchitecture supported;
  private final Function<ConfigNode, QwenVlConfig> configuration;

  private QwenVlFamily(
      SupportedArchitecture supported, Function<ConfigNode, QwenVlConfig> configuration) {
    this.supported = supported;
    this.configuration = configuration;
  }

  /** Returns {@code model_type} {@code qwen2_vl}. */
  public static QwenVlFamily qwen2() {
    return new QwenVlFamily(
        new SupportedArchitecture(
            "Qwen2-VL",
            List.of("qwen2_vl"),
            "Hugging Face folder",
            "Qwen vision transformer: 2D rotary, layer norms, any size",
            "PatchMerger 2×2 (GELU)",
            "GqaDecoder: Qwen2, sectioned M-RoPE"),
        QwenVlConfig::readQwen2);
  }

  /** Returns {@code model_type} {@code qwen2_5_vl}. */
  public static QwenVlFamily qwen25() {
    return new QwenVlFamily(
        new SupportedArchitecture(
            "Qwen2.5-VL",
            List.of("qwen2_5_vl"),
            "Hugging Face folder",
            "Qwen vision transformer: 2D rotary, RMS norms, gated MLPs, windows, any size",
            "PatchMerger 2×2 (GELU)",
            "GqaDecoder: Qwen2.5, sectioned M-RoPE"),
        QwenVlConfig::readQwen25);
  }

  /** Returns {@code model_type} {@code qwen3_vl}: the dense sizes. */
  public static QwenVlFamily qwen3() {
    return new QwenVlFamily(
        new SupportedArchitecture(
            "Qwen3-VL",
            List.of("qwen3_vl"),
            "Hugging Face folder",
            "Qwen vision transformer: 2D rotary, interpolated positions, any size, video",
            "PatchMerger 2×2 (GELU), and one for each DeepStack level",
            "GqaDecoder: Qwen3, q/k norms, interleaved M-RoPE"),
        QwenVlConfig::readQwen3);
  }

  /** Returns {@code model_type} {@code qwen3_vl_moe}: the sizes with experts. */
  public static QwenVlFamily qwen3Moe() {
    return new QwenVlFamily(
        new SupportedArchitecture(
            "Qwen3-VL-MoE",
            List.of("qwen3_vl_moe"),
            "Hugging Face folder",
            "Qwen vision transformer: 2D rotary, interpolated positions, any size, video",
            "PatchMerger 2×2 (GELU), and one for each DeepStack level",
            "GqaDecoder: Qwen3, q/k norms, stacked experts, interleaved M-RoPE"),
        QwenVlConfig::readQwen3Moe);
  }

  @Override
  public String name() {
    return supported.family();
  }

  @Override
  public List<String> modelTypes() {
    return supported.modelTypes();
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(supported);
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return QwenVl.assemble(configuration.apply(model.requireConfig()), weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    return QwenVlProcessor.open(model.tokenizerFiles(), configuration.apply(model.requireConfig()));
  }

  /** End-of-text ids that no generation_config.json names stand in the decoder's configuration. */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    return GenerationConfig.read(model.files(), QwenVlDecoder.text(model.requireConfig()));
  }

  /** Some exports store the rotary frequencies, which are computed here. */
  @Override
  public Predicate<String> ignorableTensors() {
    return tensor -> tensor.endsWith("rotary_emb.inv_freq");
  }
}
