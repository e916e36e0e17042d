package io.github.vlm4j.models;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.qwen3vl.Qwen3VlFamily;
import java.util.List;
import java.util.stream.Collectors;

/** The families this version knows. */
final class ModelFamilies {

  private static final List<ModelFamily> ALL = List.of(new Qwen3VlFamily());

  private ModelFamilies() {}

  /**
   * Returns the family of a configuration.
   *
   * @throws ModelException if its {@code model_type} is not supported; the message lists what is
   */
  static ModelFamily of(ConfigNode config) {
    String modelType = config.string("model_type");
    if (DualEncoderFormats.MODEL_TYPES.contains(modelType)) {
      throw new ModelException(
          config.where()
              + ": a model of the model_type \""
              + modelType
              + "\" embeds pictures and texts and does not write; open it as a ClipModel, or with"
              + " the commands embed, classify, similarity, search and explain.");
    }
    return ALL.stream()
        .filter(family -> family.modelType().equals(modelType))
        .findFirst()
        .orElseThrow(() ->
            new ModelException(
                config.where()
                    + ": the model_type \""
                    + modelType
                    + "\" is not supported; supported are: "
                    + ALL.stream().map(ModelFamily::modelType).collect(Collectors.joining(", "))
                    + "."));
  }
}
