package io.github.vlm4j.cli;

import io.github.vlm4j.models.ClipModel;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of every command that embeds pictures or texts. */
final class ClipOptions {

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "A model folder (CLIP, SigLIP), or a file of weights (.safetensors, .pt, .pth, .bin) "
              + "with tokenizer and processor files beside it. Default: the shipped demonstration "
              + "model, which knows simple coloured shapes.")
  @Nullable Path model;

  @Mixin ModelOptions modelOptions = new ModelOptions();

  /** Returns the model's path as it was given, or the shipped one's. */
  Path path() {
    return model == null ? ShippedModel.SHAPES_CLIP.path() : model;
  }

  ClipModel load(Terminal terminal) {
    return ClipModel.load(path(), modelOptions.loadOptions(terminal));
  }
}
