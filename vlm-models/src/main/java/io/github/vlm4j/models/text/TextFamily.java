package io.github.vlm4j.models.text;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
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
    return TextProcessor.open(model.parts().tokenizerPath(), vocabularySize);
  }

  /** Early files store the rotary frequencies, which are computed here. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("rotary_emb.inv_freq");
  }
}
