package io.github.vlm4j.models.minimindv;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.generate.GenerationConfig;
import io.github.vlm4j.text.generate.SamplingOptions;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * MiniMind-V (Gong, 2024–2026), and MiniMind alone: {@code model_type} {@code minimind-v} or {@code
 * minimind}, or a file of weights as its trainers write them, whose tensors tell which of the
 * published layouts it has. Reference: github.com/jingyaogong/minimind-v, {@code
 * model/model_vlm.py}, at the commits that tools/reference/minimindv names.
 */
public final class MiniMindVFamily implements ModelFamily {

  static final String WITH_PICTURES = "minimind-v";
  static final String TEXT_ALONE = "minimind";

  private static final String FILES = "folder, or state dict (.pth) told by its tensors; ";
  private static final String EARLY_EXPERTS = "; dense or MoE (top-2 of 4, one shared)";

  /** As in the published {@code eval_vlm.py}; generation_config.json does not say. */
  private static final SamplingOptions SAMPLING = new SamplingOptions(0.65, 0, 0.85, 0, 1, 0, 0);

  /** {@code </s>} in the first tokenizer, {@code <|im_end|>} in the others. */
  private static final int END = 2;

  /** Creates the family. */
  public MiniMindVFamily() {}

  @Override
  public String name() {
    return "MiniMind-V";
  }

  @Override
  public List<String> modelTypes() {
    return List.of(WITH_PICTURES, TEXT_ALONE);
  }

  @Override
  public List<SupportedArchitecture> supported() {
    String clip = "CLIP ViT of a folder of its own";
    String linear = "last hidden state without class token, LinearConnector 768 → 512";
    String recent = "GqaDecoder: q/k norms; dense or MoE (top-1 of 4)";
    return List.of(
        row(
            "2025-02",
            clip,
            linear,
            "GqaDecoder: Meta's names, interleaved rotary" + EARLY_EXPERTS),
        row("2025-04", clip, linear, "GqaDecoder: Hugging Face's names" + EARLY_EXPERTS),
        row(
            "2026-03",
            "SigLIP 2 NaFlex of a folder of its own, filled up to 256 patches",
            "TokenConcatenation of 4, MlpConnector (GELU)",
            recent),
        row(
            "2026-04, minimind-3v",
            "SigLIP 2 of one size of a folder of its own",
            "PixelShuffle 2×2 or none, LayerNorm, MlpConnector (GELU)",
            recent),
        new SupportedArchitecture(
            "MiniMind",
            List.of(TEXT_ALONE),
            FILES + "--tokenizer",
            SupportedArchitecture.NONE,
            SupportedArchitecture.NONE,
            "GqaDecoder: any of those of MiniMind-V"));
  }

  private static SupportedArchitecture row(
      String since, String encoder, String connector, String decoder) {
    return new SupportedArchitecture(
        "MiniMind-V (" + since + ")",
        List.of(WITH_PICTURES),
        FILES + "--vision-model, --tokenizer",
        encoder,
        connector,
        decoder);
  }

  @Override
  public Optional<String> recognise(ModelDescription model) {
    Optional<String> reason = ModelFamily.super.recognise(model);
    if (reason.isEmpty() && model.modelType().isPresent()) {
      return reason;
    }
    Optional<String> named =
        model
            .tensors()
            .flatMap(tensors ->
                MiniMindLayout.recognised(tensors).map(layout -> layout.reason(tensors)));
    return reason.isPresent() && named.isPresent()
        ? Optional.of(reason.get() + ", and " + named.get())
        : reason.or(() -> named);
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return MiniMindV.assemble(model, MiniMindConfig.read(model), weights);
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    return MiniMindVProcessor.open(model, MiniMindConfig.read(model));
  }

  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    Set<Integer> ends =
        Set.of(
            model.config().map(config -> config.nonNegativeIntOr("eos_token_id", END)).orElse(END));
    if (!Files.isDirectory(model.parts().model())) {
      return new GenerationConfig(SAMPLING, ends);
    }
    GenerationConfig own = GenerationConfig.read(model.folder(), ConfigNode.parse("nothing", "{}"));
    return new GenerationConfig(
        own.sampling().greedy() ? SAMPLING : own.sampling(),
        own.eosTokenIds().isEmpty() ? ends : own.eosTokenIds());
  }

  /** Some files hold the vision encoder beside the rest; it is taken from its own folder anyway. */
  @Override
  public Predicate<String> ignorableTensors() {
    return name ->
        name.startsWith("vision_encoder.")
            || name.endsWith("freqs_cos")
            || name.endsWith("freqs_sin")
            || name.endsWith("pos_cis")
            || name.endsWith(".mask");
  }
}
