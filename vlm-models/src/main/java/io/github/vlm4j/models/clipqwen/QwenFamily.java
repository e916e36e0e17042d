package io.github.vlm4j.models.clipqwen;

import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.generate.GenerationConfig;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** {@code model_type} {@code qwen}: Qwen's first generation, with or without a CLIP before it. */
public final class QwenFamily implements ModelFamily {

  /** Creates the family. */
  public QwenFamily() {}

  @Override
  public String name() {
    return "CLIP + Qwen";
  }

  @Override
  public List<String> modelTypes() {
    return List.of("qwen");
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        new SupportedArchitecture(
            name(),
            modelTypes(),
            "Qwen's folder with qwen.tiktoken; --vision-model, --connector, --adapter",
            "CLIP ViT or SigLIP of a folder of its own, or none",
            "last hidden state without class token, MlpConnector 1024 → 4096 → 4096 (GELU)",
            "GqaDecoder: Qwen 1, fused c_attn with biases, dynamic NTK, log-n attention"));
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return ClipQwen.assemble(model, weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    return QwenProcessor.open(model, QwenConfig.read(model.requireConfig()));
  }

  /**
   * A conversation also ends where a turn does. The files name {@code <|endoftext|>} only, which
   * {@code <|im_start|>} and {@code <|im_end|>} follow; the reference adds the two in its {@code
   * get_stop_words_ids}.
   */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    GenerationConfig stored = GenerationConfig.read(model.folder(), model.requireConfig());
    Set<Integer> ends = new TreeSet<>(stored.eosTokenIds());
    stored.eosTokenIds().stream()
        .min(Integer::compare)
        .ifPresent(endOfText -> ends.addAll(List.of(endOfText + 1, endOfText + 2)));
    return new GenerationConfig(stored.sampling(), ends);
  }

  /** The first files hold the rotary frequencies and a constant, which nothing reads. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name -> name.endsWith("rotary_emb.inv_freq") || name.endsWith("attn.masked_bias");
  }
}
