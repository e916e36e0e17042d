package io.github.vlm4j.models.family;

import io.github.vlm4j.core.weights.WeightScope;
import io.github.vlm4j.text.generate.GenerationConfig;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Models that share a configuration format and tensor names. */
public interface ModelFamily {

  /** Returns what people call it, such as {@code LLaVA}. */
  String name();

  /** Returns the {@code model_type}s of its configurations; empty where only tensors tell. */
  List<String> modelTypes();

  /** Returns this family's lines in the table of what is supported; see {@code vlm models}. */
  List<SupportedArchitecture> supported();

  /**
   * Returns why a model is of this family, in words, or nothing if it is not. Unless a family says
   * otherwise, the {@code model_type} decides.
   */
  default Optional<String> recognise(ModelDescription model) {
    return model
        .modelType()
        .filter(modelTypes()::contains)
        .map(type -> "its configuration has the model_type \"" + type + "\"");
  }

  /**
   * Puts a model together.
   *
   * @param model its configurations and tensors
   * @param weights the root of its tensor names; those of a vision encoder's own checkpoint are
   *     below {@link ModelDescription#VISION_MODEL}, those of a connector's own file below {@link
   *     ModelDescription#CONNECTOR}
   * @throws io.github.vlm4j.core.VlmException if configuration or tensors are not this family's
   */
  ModelArchitecture assemble(ModelDescription model, WeightScope weights);

  /**
   * Opens what turns conversations into tokens.
   *
   * @param model its files and configurations
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   */
  PromptProcessor processor(ModelDescription model);

  /** Returns how the model itself would generate. */
  default GenerationConfig generationDefaults(ModelDescription model) {
    return GenerationConfig.read(model.files(), model.requireConfig());
  }

  /** Returns which tensors a checkpoint may hold without the model asking for them. */
  Predicate<String> ignorableTensors();
}
