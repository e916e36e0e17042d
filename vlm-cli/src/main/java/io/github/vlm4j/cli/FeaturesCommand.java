package io.github.vlm4j.cli;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.VisionLanguageModel.Feature;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm features}: what the encoder and the connector make of pictures. */
@Command(
    name = "features",
    description = {
      "Writes what the vision encoder and the connector compute of pictures, as f32 tensors:",
      "image.i.pixel_values, image.i.last_hidden_state (before the connector), image.i.connector "
          + "(what enters the decoder), image.i.deepstack.k."
    },
    mixinStandardHelpOptions = true)
final class FeaturesCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "A model folder.")
  Path model = Path.of("");

  @Option(
      names = "--image",
      required = true,
      paramLabel = "FILE",
      description = "A picture; may be given several times.")
  List<Path> images = List.of();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "The .safetensors file to write.")
  Path out = Path.of("");

  @Option(
      names = "--hidden-states",
      description = "Adds image.i.hidden_states.k, the output of every layer.")
  boolean hiddenStates;

  @Option(
      names = "--attentions",
      description = "Adds image.i.attentions.k, the attention weights of every layer.")
  boolean attentions;

  @Mixin ModelOptions modelOptions = new ModelOptions();

  FeaturesCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    LoadOptions options = modelOptions.loadOptions();
    requireWritable();
    Set<Feature> wanted = EnumSet.of(Feature.PIXEL_VALUES, Feature.LAST_HIDDEN_STATE);
    if (hiddenStates) {
      wanted.add(Feature.HIDDEN_STATES);
    }
    if (attentions) {
      wanted.add(Feature.ATTENTIONS);
    }
    Map<String, Tensor> tensors = new TreeMap<>();
    try (VisionLanguageModel loaded = VisionLanguageModel.load(model, options)) {
      for (int i = 0; i < images.size(); i++) {
        terminal.progress("Encoding pictures", i, images.size());
        String prefix = "image." + i + ".";
        loaded
            .features(Image.of(images.get(i)), wanted)
            .forEach((name, tensor) -> tensors.put(prefix + name, tensor));
      }
    }
    terminal.clearProgress();
    SafetensorsWriter.write(out, tensors);
    return Main.OK;
  }

  /** Told now, not after minutes of work. */
  private void requireWritable() {
    Path folder = out.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(out)) {
      throw new InputException(
          out + " is a folder; name the .safetensors file to write with --out.");
    }
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          out + " cannot be written, as there is no folder " + folder + "; create it first.");
    }
    if (!Files.isWritable(folder)) {
      throw new InputException(
          out + " cannot be written, as the folder " + folder + " does not allow it.");
    }
  }
}
