package io.github.vlm4j.models.family;

import io.github.vlm4j.core.CheckpointException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files that a model is put together from. Most models are one folder; some are published as a
 * file of weights, or leave their vision encoder or their connector to other files.
 *
 * @param model a checkpoint folder, or one file of weights, which may be a GGUF file
 * @param modelConfig the configuration of the model; null for {@code config.json} beside its
 *     weights
 * @param visionModel the folder of a vision encoder that the model's own weights leave out, or null
 * @param tokenizer the folder of tokenizer and chat template, or a file of them; null for the
 *     model's own folder
 * @param connector a file of the weights between the encoder and the decoder, or null
 * @param adapter the folder of a low-rank adapter of the decoder, or null
 * @param mmproj the GGUF file of the vision encoder, for a model in a GGUF file; null for {@code
 *     mmproj-} and the model's name or else the only {@code mmproj*.gguf} beside it, if there is
 *     one
 */
public record ModelParts(
    Path model,
    @Nullable Path modelConfig,
    @Nullable Path visionModel,
    @Nullable Path tokenizer,
    @Nullable Path connector,
    @Nullable Path adapter,
    @Nullable Path mmproj) {

  /** Returns a model that is one folder, or one file of weights. */
  public static ModelParts of(Path model) {
    return new ModelParts(model, null, null, null, null, null, null);
  }

  /** Returns a copy with another configuration file. */
  public ModelParts withModelConfig(Path file) {
    return new ModelParts(model, file, visionModel, tokenizer, connector, adapter, mmproj);
  }

  /** Returns a copy with a vision encoder's folder. */
  public ModelParts withVisionModel(Path folder) {
    return new ModelParts(model, modelConfig, folder, tokenizer, connector, adapter, mmproj);
  }

  /** Returns a copy with another place of the tokenizer. */
  public ModelParts withTokenizer(Path folder) {
    return new ModelParts(model, modelConfig, visionModel, folder, connector, adapter, mmproj);
  }

  /** Returns a copy with a connector's file. */
  public ModelParts withConnector(Path file) {
    return new ModelParts(model, modelConfig, visionModel, tokenizer, file, adapter, mmproj);
  }

  /** Returns a copy with an adapter's folder. */
  public ModelParts withAdapter(Path folder) {
    return new ModelParts(model, modelConfig, visionModel, tokenizer, connector, folder, mmproj);
  }

  /** Returns a copy with the GGUF file of a vision encoder. */
  public ModelParts withMmproj(Path file) {
    return new ModelParts(model, modelConfig, visionModel, tokenizer, connector, adapter, file);
  }

  /** Returns the folder that the model's weights are in. */
  public Path folder() {
    if (Files.isDirectory(model)) {
      return model;
    }
    Path parent = model.toAbsolutePath().getParent();
    return parent == null ? model.toAbsolutePath() : parent;
  }

  /** Returns where tokenizer and chat template are. */
  public Path tokenizerPath() {
    return tokenizer == null ? folder() : tokenizer;
  }

  /** Returns the folder of the vision encoder, if it is one of its own. */
  public Optional<Path> vision() {
    return Optional.ofNullable(visionModel);
  }

  /**
   * Returns the GGUF file of the vision encoder: the one given, or else of the files beside a model
   * in a GGUF file that called {@code mmproj-} and the model's name, or the only {@code
   * mmproj*.gguf}.
   *
   * @throws CheckpointException if there are several
   */
  public Optional<Path> ggufVision() {
    if (mmproj != null) {
      return Optional.of(mmproj);
    }
    Path named = folder().resolve("mmproj-" + model.getFileName());
    if (Files.exists(named)) {
      return Optional.of(named);
    }
    List<Path> beside = new ArrayList<>();
    try (DirectoryStream<Path> found = Files.newDirectoryStream(folder(), "mmproj*.gguf")) {
      found.forEach(beside::add);
    } catch (IOException | DirectoryIteratorException e) {
      throw new CheckpointException("The folder " + folder() + " cannot be read: " + e, e);
    }
    if (beside.size() > 1) {
      throw new CheckpointException(
          folder() + " holds several mmproj*.gguf files; name one with --mmproj.");
    }
    return beside.stream().findFirst();
  }
}
