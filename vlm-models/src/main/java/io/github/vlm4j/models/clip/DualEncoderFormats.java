package io.github.vlm4j.models.clip;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.models.family.SupportedArchitecture;
import io.github.vlm4j.models.family.TensorShapes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Recognises dual encoders. */
public final class DualEncoderFormats {

  /** The {@code model_type}s of Hugging Face's configurations. */
  public static final List<String> MODEL_TYPES =
      List.of(
          HuggingFaceClip.BOTH,
          HuggingFaceClip.VISION,
          HuggingFaceClip.TEXT,
          HuggingFaceSiglip.BOTH,
          HuggingFaceSiglip.VISION,
          HuggingFaceSiglip.TEXT,
          HuggingFaceSiglip.NAFLEX_BOTH,
          HuggingFaceSiglip.NAFLEX_VISION,
          HuggingFaceSiglip.NAFLEX_TEXT);

  /** What of the table of supported models is about dual encoders. */
  public static final List<SupportedArchitecture> SUPPORTED =
      List.of(
          new SupportedArchitecture(
              "CLIP",
              List.of(HuggingFaceClip.BOTH, HuggingFaceClip.VISION, HuggingFaceClip.TEXT),
              "Hugging Face folder",
              "ClipVisionEncoder: ViT, class token",
              "linear projection",
              "ClipTextEncoder: causal, end-of-text token; embeds"),
          new SupportedArchitecture(
              "CLIP (OpenAI, open_clip)",
              List.of(),
              "state dict, TorchScript archive or training checkpoint; open_clip_config.json",
              "ClipVisionEncoder, or ModifiedResNet RN50 … RN50x64",
              "linear projection, or attention pooling",
              "ClipTextEncoder: causal, end-of-text token; embeds"),
          new SupportedArchitecture(
              "SigLIP, SigLIP 2 of one size",
              List.of(HuggingFaceSiglip.BOTH, HuggingFaceSiglip.VISION, HuggingFaceSiglip.TEXT),
              "Hugging Face folder",
              "SiglipVisionEncoder: ViT, no class token",
              "attention pooling by a learned probe",
              "SiglipTextEncoder: last token; embeds"),
          new SupportedArchitecture(
              "SigLIP 2 NaFlex",
              List.of(
                  HuggingFaceSiglip.NAFLEX_BOTH,
                  HuggingFaceSiglip.NAFLEX_VISION,
                  HuggingFaceSiglip.NAFLEX_TEXT),
              "Hugging Face folder",
              "SiglipVisionEncoder: positions resized to any aspect ratio",
              "attention pooling by a learned probe",
              "SiglipTextEncoder: last token; embeds"));

  private static final String CONFIG = "config.json";

  private DualEncoderFormats() {}

  /** Returns the folder that tokenizer and configuration files of a model are in. */
  public static Path folder(Path model) {
    if (Files.isDirectory(model)) {
      return model;
    }
    Path parent = model.toAbsolutePath().getParent();
    return parent == null ? model.toAbsolutePath() : parent;
  }

  /**
   * Returns the format that a configuration file describes: a {@code config.json} of Hugging Face
   * or a configuration of open_clip.
   *
   * @return empty if it is not of a dual encoder
   * @throws io.github.vlm4j.core.VlmException if it is one but asks for what is not supported
   */
  public static Optional<DualEncoderFormat> of(ConfigNode config) {
    if (config.has("vision_cfg") || config.isObject("model_cfg")) {
      return Optional.of(new OpenAiClip(OpenAiClipConfig.read(config)));
    }
    String modelType = config.stringOr("model_type", "");
    if (!MODEL_TYPES.contains(modelType)) {
      return Optional.empty();
    }
    return Optional.of(
        modelType.startsWith(HuggingFaceClip.BOTH)
            ? new HuggingFaceClip(config)
            : new HuggingFaceSiglip(config));
  }

  /**
   * Returns the format of a checkpoint. Tensors named as OpenAI's make it OpenAI's, whatever other
   * files there are; else {@code config.json} decides.
   *
   * @param model the folder or file that the checkpoint was opened from
   * @param checkpoint the open checkpoint
   * @return empty if it is not of a dual encoder
   * @throws io.github.vlm4j.core.VlmException if it is one but asks for what is not supported
   */
  public static Optional<DualEncoderFormat> of(Path model, Checkpoint checkpoint) {
    Path folder = folder(model);
    TensorShapes tensors = new TensorShapes(checkpoint, OpenAiClip.LAYOUT);
    if (tensors.contains("visual.conv1.weight") && tensors.contains("text_projection")) {
      Path openClip = folder.resolve(OpenAiClip.OPEN_CLIP_CONFIG);
      return Optional.of(
          new OpenAiClip(
              Files.exists(openClip)
                  ? OpenAiClipConfig.read(ConfigNode.read(openClip))
                  : OpenAiClipConfig.infer(tensors)));
    }
    Path config = folder.resolve(CONFIG);
    return Files.exists(config) ? of(ConfigNode.read(config)) : Optional.empty();
  }

  /** Returns the error about a model that is not a dual encoder. */
  public static ModelException unsupported(Path model) {
    Path config = folder(model).resolve(CONFIG);
    String found =
        Files.exists(config)
            ? "its config.json has the model_type \""
                + ConfigNode.read(config).stringOr("model_type", "")
                + "\""
            : "there is no config.json, and its tensors are not named as OpenAI's CLIP names them";
    return new ModelException(
        model
            + " is not a model that embeds pictures and texts: "
            + found
            + "; supported are the model types "
            + String.join(", ", MODEL_TYPES)
            + " and state dicts of OpenAI's CLIP and open_clip.");
  }
}
