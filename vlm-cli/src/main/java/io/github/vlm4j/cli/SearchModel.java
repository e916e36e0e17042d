package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.search.ModelIdentity;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The model of an index: the one that is named, or else the one that the index remembers. */
final class SearchModel {

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "A model folder (CLIP, SigLIP), or a file of weights (.safetensors, .pt, .pth, .bin) "
              + "with tokenizer and processor files beside it. Default: the one that the index was "
              + "made with; for a new index the shipped demonstration model, which knows simple "
              + "coloured shapes.")
  @Nullable Path model;

  @Mixin ModelOptions modelOptions = new ModelOptions();

  /** Checks the options before anything is opened. */
  void check(Terminal terminal) {
    modelOptions.loadOptions(terminal);
  }

  ClipEmbedder load(Terminal terminal, @Nullable ModelIdentity remembered) {
    return ClipEmbedder.load(path(remembered), modelOptions.loadOptions(terminal));
  }

  private Path path(@Nullable ModelIdentity remembered) {
    if (model != null) {
      return model;
    }
    return remembered == null ? ShippedModel.SHAPES_CLIP.path() : remembered(remembered);
  }

  private static Path remembered(ModelIdentity identity) {
    try {
      Path path = Path.of(identity.source());
      if (Files.exists(path)) {
        return path;
      }
    } catch (InvalidPathException _) {
      // As below.
    }
    throw new InputException(
        "The model that the index was made with is no longer at "
            + identity.source()
            + "; say where it is with --model.");
  }
}
