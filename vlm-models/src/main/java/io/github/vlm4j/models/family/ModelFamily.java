package io.github.vlm4j.models.family;

import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.weights.WeightScope;
import java.nio.file.Path;
import java.util.function.Predicate;

/** Models that share a configuration format and tensor names: one {@code model_type}. */
public interface ModelFamily {

  /** Returns the {@code model_type} of its {@code config.json}. */
  String modelType();

  /**
   * Puts a model together.
   *
   * @param config its {@code config.json}
   * @param weights the root of its tensor names
   * @throws io.github.vlm4j.core.VlmException if configuration or tensors are not this family's
   */
  VisionLanguageArchitecture assemble(ConfigNode config, WeightScope weights);

  /**
   * Opens what turns conversations into tokens.
   *
   * @param folder the model folder
   * @param config its {@code config.json}
   * @throws io.github.vlm4j.core.CheckpointException if a file is missing or malformed
   */
  PromptProcessor processor(Path folder, ConfigNode config);

  /** Returns which tensors a checkpoint may hold without the model asking for them. */
  Predicate<String> ignorableTensors();

  /** Returns where the end-of-text ids stand if {@code generation_config.json} has none. */
  ConfigNode textConfig(ConfigNode config);
}
