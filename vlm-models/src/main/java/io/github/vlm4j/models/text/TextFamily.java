package io.github.vlm4j.models.text;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.decoder.HuggingFaceDecoder;
import java.util.List;
import java.util.function.Predicate;

/**
 * Language models that read text alone: Llama, Mistral, Qwen1.5 to Qwen3, with experts or without.
 * Reference: transformers, {@code LlamaForCausalLM} and its kin.
 */
public final class TextFamily implements ModelFamily {

  /** Creates the family. */
  public TextFamily() {}

  @Override
  public String name() {
    return "Llama, Mistral, Qwen (text)";
  }

  @Override
  public List<String> modelTypes() {
    return HuggingFaceDecoder.MODEL_TYPES;
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        text("Llama 1 to 3", "llama", "biases by configuration, rope scaling linear, llama3, yarn"),
        text("Mistral", "mistral", "sliding window"),
        text("Qwen1.5, Qwen2, Qwen2.5", "qwen2", "QKV biases, sliding windows by layer, yarn"),
        text("Qwen2-MoE", "qwen2_moe", "as Qwen2, experts and a shared expert with its own gate"),
        text("Qwen3", "qwen3", "q/k norms"),
        text("Qwen3-MoE", "qwen3_moe", "q/k norms, experts in all layers or some"));
  }

  private static SupportedArchitecture text(String family, String modelType, String particular) {
    return new SupportedArchitecture(
        family,
        List.of(modelType),
        "Hugging Face folder",
        SupportedArchitecture.NONE,
        SupportedArchitecture.NONE,
        "GqaDecoder: " + particular);
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    ConfigNode config = model.requireConfig();
    boolean tied = config.booleanOr("tie_word_embeddings", false);
    return ModelArchitecture.ofText(
        HuggingFaceDecoder.of(config, tied, weights.at("model"), weights.at("lm_head")));
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    ConfigNode config = model.requireConfig();
    int vocabularySize =
        HuggingFaceDecoder.read(config, config.booleanOr("tie_word_embeddings", false))
            .vocabularySize();
    return TextProcessor.open(model.tokenizerFiles(), vocabularySize);
  }

  /** Early files store the rotary frequencies, which are computed here. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("rotary_emb.inv_freq");
  }
}
