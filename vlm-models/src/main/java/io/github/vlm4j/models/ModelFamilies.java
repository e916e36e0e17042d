package io.github.vlm4j.models;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.clipqwen.QwenFamily;
import io.github.vlm4j.models.family.ModelDescription;
import io.github.vlm4j.models.family.ModelFamily;
import io.github.vlm4j.models.llava.LlavaFamily;
import io.github.vlm4j.models.llava.LlavaNextFamily;
import io.github.vlm4j.models.minimindv.MiniMindVFamily;
import io.github.vlm4j.models.qwenvl.QwenVlFamily;
import io.github.vlm4j.models.seemore.SeemoreFamily;
import io.github.vlm4j.models.text.TextFamily;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** The families that this version knows, of models that write. */
final class ModelFamilies {

  /**
   * A model's family.
   *
   * @param family the family
   * @param reason why the model is of it, in words
   */
  record Recognised(ModelFamily family, String reason) {}

  /** The families, in the order in which they are asked. */
  static final List<ModelFamily> ALL =
      List.of(
          QwenVlFamily.qwen2(),
          QwenVlFamily.qwen25(),
          QwenVlFamily.qwen3(),
          QwenVlFamily.qwen3Moe(),
          new LlavaFamily(),
          new LlavaNextFamily(),
          new MiniMindVFamily(),
          new QwenFamily(),
          new SeemoreFamily(),
          new TextFamily());

  private ModelFamilies() {}

  /**
   * Returns the family of a model.
   *
   * @throws ModelException if it is not supported; the message lists what is
   */
  static Recognised of(ModelDescription model) {
    for (ModelFamily family : ALL) {
      Optional<String> reason = family.recognise(model);
      if (reason.isPresent()) {
        return new Recognised(family, reason.get());
      }
    }
    if (model.config().isPresent()) {
      requireKnown(model.config().get());
    }
    throw new ModelException(
        model.parts().model()
            + ": what model this is cannot be told: there is no config.json beside it, and its"
            + " tensors have the names of none that is supported; give its configuration with"
            + " --model-config.");
  }

  /**
   * Checks that a configuration's {@code model_type} is that of some family, so that this is said
   * before weights are looked for.
   *
   * @throws ModelException if it is not supported; the message lists what is
   */
  static void requireKnown(ConfigNode config) {
    String modelType = config.string("model_type");
    if (DualEncoderFormats.MODEL_TYPES.contains(modelType)) {
      throw new ModelException(
          config.where()
              + ": a model of the model_type \""
              + modelType
              + "\" embeds pictures and texts and does not write; open it as a ClipModel, or with"
              + " the commands embed, classify, similarity, search and explain.");
    }
    if (ALL.stream().noneMatch(family -> family.modelTypes().contains(modelType))) {
      throw new ModelException(
          config.where()
              + ": the model_type \""
              + modelType
              + "\" is not supported; supported are: "
              + ALL.stream()
                  .flatMap(family -> family.modelTypes().stream())
                  .collect(Collectors.joining(", "))
              + ".");
    }
  }
}
