package io.github.vlm4j.models.family;

import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.CompanionFiles;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What is known of a model before it is put together: its files, their configurations, and the
 * names and shapes of its tensors.
 */
public final class ModelDescription {

  /** The name below which the tensors of a vision encoder's own checkpoint stand. */
  public static final String VISION_MODEL = "vision-model";

  /** The name below which the tensors of a connector's own file stand. */
  public static final String CONNECTOR = "connector-file";

  private static final String CONFIG = "config.json";

  private final ModelParts parts;
  private final Optional<ConfigNode> config;
  private final Optional<ConfigNode> visionConfig;
  private final CompanionFiles files;
  private final Optional<TensorShapes> tensors;

  private ModelDescription(
      ModelParts parts,
      Optional<ConfigNode> config,
      Optional<ConfigNode> visionConfig,
      CompanionFiles files,
      Optional<TensorShapes> tensors) {
    this.parts = parts;
    this.config = config;
    this.visionConfig = visionConfig;
    this.files = files;
    this.tensors = tensors;
  }

  /**
   * Reads the configurations of a model whose tensors are not known.
   *
   * @throws io.github.vlm4j.core.CheckpointException if a configuration is missing or malformed; a
   *     model folder must have one, beside a single file of weights there need not be one
   */
  public static ModelDescription read(ModelParts parts) {
    return new ModelDescription(
        parts,
        config(parts),
        parts.vision().map(folder -> ConfigNode.read(folder.resolve(CONFIG))),
        CompanionFiles.in(parts.folder()),
        Optional.empty());
  }

  /**
   * Describes a model whose configuration is not a file.
   *
   * @param parts its files
   * @param config what a {@code config.json} would say
   * @param files what stands for tokenizer, chat template and preprocessing
   */
  public static ModelDescription of(ModelParts parts, ConfigNode config, CompanionFiles files) {
    return new ModelDescription(
        parts, Optional.of(config), Optional.empty(), files, Optional.empty());
  }

  /** Describes a model of which there is a configuration and nothing else. */
  public static ModelDescription of(ConfigNode config) {
    return new ModelDescription(
        ModelParts.of(Path.of("")),
        Optional.of(config),
        Optional.empty(),
        CompanionFiles.in(Path.of("")),
        Optional.empty());
  }

  private static Optional<ConfigNode> config(ModelParts parts) {
    if (parts.modelConfig() != null) {
      return Optional.of(ConfigNode.read(parts.modelConfig()));
    }
    Path beside = parts.folder().resolve(CONFIG);
    return Files.isDirectory(parts.model()) || Files.exists(beside)
        ? Optional.of(ConfigNode.read(beside))
        : Optional.empty();
  }

  /** Returns this with the tensors of the model's own checkpoint. */
  public ModelDescription withTensors(Checkpoint checkpoint) {
    return new ModelDescription(
        parts,
        config,
        visionConfig,
        files,
        Optional.of(new TensorShapes(checkpoint, "this model")));
  }

  /** Returns the files. */
  public ModelParts parts() {
    return parts;
  }

  /** Returns the folder that the model's weights are in. */
  public Path folder() {
    return parts.folder();
  }

  /** Returns what comes with the model's weights. */
  public CompanionFiles files() {
    return files;
  }

  /** Returns where tokenizer and chat template are. */
  public CompanionFiles tokenizerFiles() {
    return parts.tokenizer() == null ? files : CompanionFiles.in(parts.tokenizerPath());
  }

  /** Returns the model's configuration, if there is one. */
  public Optional<ConfigNode> config() {
    return config;
  }

  /**
   * Returns the model's configuration.
   *
   * @throws ModelException if there is none
   */
  public ConfigNode requireConfig() {
    return config.orElseThrow(() ->
        new ModelException(
            "There is no config.json beside "
                + parts.model()
                + "; give the model's configuration with --model-config."));
  }

  /** Returns the {@code model_type} of the configuration, if there is one. */
  public Optional<String> modelType() {
    return config.flatMap(node -> node.stringIfPresent("model_type"));
  }

  /** Returns the configuration of the vision encoder's own folder, if it has one. */
  public Optional<ConfigNode> visionConfig() {
    return visionConfig;
  }

  /** Returns the tensors of the model's own checkpoint; empty if only configurations are known. */
  public Optional<TensorShapes> tensors() {
    return tensors;
  }

  /** Returns whether the model's own checkpoint is known to hold a tensor. */
  public boolean hasTensor(String name) {
    return tensors.isPresent() && tensors.get().contains(name);
  }
}
