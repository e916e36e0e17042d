package io.github.vlm4j.cli;

import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.ConfigNode;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.LoadOptions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.VisionLanguageModel.Feature;
import io.github.vlm4j.models.clip.DualEncoderFormats;
import io.github.vlm4j.models.runtime.PictureRuntime.Output;
import io.github.vlm4j.vision.image.Image;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm features}: what the encoder and the connector make of pictures. */
@Command(
    name = "features",
    description = {
      "Writes what the vision encoder and the connector compute of pictures, as f32 tensors:",
      "image.i.pixel_values, image.i.last_hidden_state (before the connector), image.i.connector "
          + "(what enters the decoder), image.i.deepstack.k; of a model that embeds (CLIP, SigLIP) "
          + "image.i.pooled and image.i.embedding (projected, not normalised) instead of the "
          + "connector's."
    },
    mixinStandardHelpOptions = true)
final class FeaturesCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A model folder, or a file of weights.")
  Path model = Path.of("");

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

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
    LoadOptions options = modelOptions.loadOptions(terminal);
    OutputFile.requireWritable(out, "the .safetensors file to write");
    Map<String, Tensor> tensors =
        isDualEncoder() ? ofDualEncoder(options) : ofVisionLanguageModel(options, wanted());
    terminal.clearProgress();
    SafetensorsWriter.write(out, tensors);
    return Main.OK;
  }

  /** A folder without config.json is told what a dual encoder's folder has to have. */
  private boolean isDualEncoder() {
    if (parts.modelConfig != null || parts.visionModel != null) {
      return false;
    }
    if (Files.isDirectory(model)) {
      Path config = model.resolve("config.json");
      return !Files.exists(config) || DualEncoderFormats.of(ConfigNode.read(config)).isPresent();
    }
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      return DualEncoderFormats.of(model, checkpoint).isPresent();
    }
  }

  private Set<Feature> wanted() {
    Set<Feature> wanted = EnumSet.of(Feature.PIXEL_VALUES, Feature.LAST_HIDDEN_STATE);
    if (hiddenStates) {
      wanted.add(Feature.HIDDEN_STATES);
    }
    if (attentions) {
      wanted.add(Feature.ATTENTIONS);
    }
    return wanted;
  }

  private Map<String, Tensor> ofVisionLanguageModel(LoadOptions options, Set<Feature> wanted) {
    try (VisionLanguageModel loaded = VisionLanguageModel.load(parts.of(model), options)) {
      return collect(image -> loaded.features(image, wanted));
    }
  }

  private Map<String, Tensor> ofDualEncoder(LoadOptions options) {
    Set<Output> wanted = EnumSet.of(Output.LAST_HIDDEN_STATE, Output.POOLED, Output.EMBEDDING);
    if (hiddenStates) {
      wanted.add(Output.HIDDEN_STATES);
    }
    if (attentions) {
      wanted.add(Output.ATTENTIONS);
    }
    try (ClipModel loaded = ClipModel.load(model, options)) {
      return collect(image -> loaded.features(image, wanted));
    }
  }

  private Map<String, Tensor> collect(Function<Image, Map<String, Tensor>> features) {
    Map<String, Tensor> tensors = new TreeMap<>();
    for (int i = 0; i < images.size(); i++) {
      terminal.progress("Encoding pictures", i, images.size());
      String prefix = "image." + i + ".";
      features
          .apply(Image.of(images.get(i)))
          .forEach((name, tensor) -> tensors.put(prefix + name, tensor));
    }
    return tensors;
  }
}
