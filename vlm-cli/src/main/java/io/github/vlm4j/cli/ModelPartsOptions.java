package io.github.vlm4j.cli;

import io.github.vlm4j.models.family.ModelParts;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that name the files of a model which are not all in one folder. */
final class ModelPartsOptions {

  @Option(
      names = "--model-config",
      paramLabel = "FILE",
      description = "The model's configuration, if it is not config.json beside its weights.")
  @Nullable Path modelConfig;

  @Option(
      names = "--vision-model",
      paramLabel = "DIR",
      description = "The vision encoder's folder, for models whose weights leave it out.")
  @Nullable Path visionModel;

  @Option(
      names = "--tokenizer",
      paramLabel = "PATH",
      description = "Tokenizer and chat template, if they are not in the model's folder.")
  @Nullable Path tokenizer;

  @Option(
      names = "--connector",
      paramLabel = "FILE",
      description = "The weights between encoder and decoder, if they are a file of their own.")
  @Nullable Path connector;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "A low-rank adapter of the decoder, as PEFT saves it.")
  @Nullable Path adapter;

  @Option(
      names = "--mmproj",
      paramLabel = "FILE",
      description = {
        "The vision encoder of a model in a GGUF file.",
        "Default: the only mmproj*.gguf beside it."
      })
  @Nullable Path mmproj;

  /** Returns these files together with the model's own. */
  ModelParts of(Path model) {
    return new ModelParts(model, modelConfig, visionModel, tokenizer, connector, adapter, mmproj);
  }
}
