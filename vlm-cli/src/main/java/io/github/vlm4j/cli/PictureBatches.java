package io.github.vlm4j.cli;

import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.PicturePipeline;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Embeds picture files; options of every command that takes many of them. */
final class PictureBatches {

  @Spec(Spec.Target.MIXEE)
  CommandSpec command = CommandSpec.create();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description =
          "Pictures that are encoded together. Default: up to "
              + ClipModel.PICTURE_BATCH
              + ", as memory allows.")
  @Nullable Integer batch;

  /** Says what is wrong with the options. */
  void check() {
    if (batch != null && batch < 1) {
      throw new ParameterException(
          command.commandLine(), "--batch must be at least 1, not " + batch);
    }
  }

  /** Returns embeddings of length 1 in the order of the files. */
  List<float[]> embed(Terminal terminal, ClipModel model, List<Path> files) {
    return encode(terminal, files, pipeline(model)::embed);
  }

  /** Returns embeddings as the model makes them, in the order of the files. */
  List<float[]> features(Terminal terminal, ClipModel model, List<Path> files) {
    return encode(terminal, files, pipeline(model)::features);
  }

  private PicturePipeline pipeline(ClipModel model) {
    return batch == null ? model.pipeline() : model.pipeline(batch);
  }

  private static List<float[]> encode(Terminal terminal, List<Path> files, Encoder encoder) {
    if (files.isEmpty()) {
      return List.of();
    }
    List<float[]> vectors = new ArrayList<>();
    terminal.progress("Encoding pictures", 0, files.size());
    encoder.encode(
        files.stream().<Supplier<Image>>map(file -> () -> Image.of(file)).iterator(),
        vector -> {
          vectors.add(vector);
          terminal.progress("Encoding pictures", vectors.size(), files.size());
        });
    terminal.clearProgress();
    return vectors;
  }

  /** Makes vectors of pictures. */
  private interface Encoder {
    void encode(Iterator<Supplier<Image>> pictures, Consumer<float[]> each);
  }
}
