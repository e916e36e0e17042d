package io.github.vlm4j.models.seemore;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.models.family.ModelArchitecture;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.family.PromptProcessor;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.text.generate.GenerationConfig;
import io.github.vlm4j.text.generate.SamplingOptions;
import io.github.vlm4j.text.tokenizer.CharacterTokenizer;
import io.github.vlm4j.text.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The from-scratch tutorial model seemore: a bare state dict, whose tensors' names and shapes say
 * all there is to know. What its tokens mean is not in it: the vocabulary is the characters of the
 * text it was trained on, which is given as the tokenizer, or is {@code input.txt} beside it.
 */
public final class SeemoreFamily implements ModelFamily {

  /** The published code draws from all tokens as they are. */
  private static final SamplingOptions SAMPLING = new SamplingOptions(1, 0, 1, 0, 1, 0, 0);

  /** Creates the family. */
  public SeemoreFamily() {}

  @Override
  public String name() {
    return "seemore";
  }

  @Override
  public List<String> modelTypes() {
    return List.of();
  }

  @Override
  public List<SupportedArchitecture> supported() {
    return List.of(
        new SupportedArchitecture(
            "seemore (from-scratch tutorial)",
            modelTypes(),
            "state dict (.pt, .pth, .safetensors) and the text whose characters are its vocabulary",
            "SeemoreVisionEncoder: ViT, one linear map per head",
            "class token, MlpConnector d → 4d → n (GELU)",
            "LearnedPositionDecoder: learned positions, layer norms, GELU MLP"));
  }

  @Override
  public Optional<String> recognise(ModelDescription model) {
    return model.hasTensor(SeemoreConfig.PATCHES) && model.hasTensor(SeemoreConfig.POSITIONS)
        ? Optional.of(
            "its tensors are named "
                + SeemoreConfig.PATCHES
                + " and "
                + SeemoreConfig.POSITIONS
                + ", as the tutorial's code names them")
        : Optional.empty();
  }

  @Override
  public ModelArchitecture assemble(ModelDescription model, WeightScope weights) {
    return Seemore.assemble(config(model), weights);
  }

  private static SeemoreConfig config(ModelDescription model) {
    return SeemoreConfig.infer(
        model
            .tensors()
            .orElseThrow(() ->
                new ModelException("The sizes of a seemore model are read off its tensors.")));
  }

  @Override
  public PromptProcessor processor(ModelDescription model) {
    return SeemoreProcessor.open(model, config(model));
  }

  /** Texts were filled up with the pad token in training, which is thus what ends one. */
  @Override
  public GenerationConfig generationDefaults(ModelDescription model) {
    Tokenizer tokenizer = SeemoreProcessor.tokenizer(model, config(model));
    OptionalInt pad = tokenizer.idOf(CharacterTokenizer.PAD);
    return new GenerationConfig(SAMPLING, pad.isPresent() ? Set.of(pad.getAsInt()) : Set.of());
  }

  @Override
  public Predicate<String> ignorableTensors() {
    return name -> false;
  }
}
