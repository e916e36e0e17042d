package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.checkpoint.SafetensorsWriter;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.ClipModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code vlm embed}: pictures and texts as vectors. */
@Command(
    name = "embed",
    description = {
      "Turns pictures and texts into vectors of one space, where what belongs together is close.",
      "Prints one line for each: the source and the vector, of length 1. With --out the vectors "
          + "are written as image.i and text.i."
    },
    mixinStandardHelpOptions = true)
final class EmbedCommand implements Callable<Integer> {

  private static final int SHOWN = 6;

  private final Terminal terminal;

  @Spec CommandSpec command = CommandSpec.create();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "A picture; may be given several times.")
  List<Path> images = List.of();

  @Option(
      names = "--text",
      paramLabel = "TEXT",
      description = "A text; may be given several times.")
  List<String> texts = List.of();

  @Option(
      names = "--no-normalize",
      description = "Leaves the vectors as long as the model makes them.")
  boolean raw;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Writes the vectors into a .safetensors file instead of printing them.")
  @Nullable Path out;

  @Mixin PictureBatches batches = new PictureBatches();

  @Mixin ClipOptions clip = new ClipOptions();

  EmbedCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    batches.check();
    if (images.isEmpty() && texts.isEmpty()) {
      throw new ParameterException(
          command.commandLine(), "Give at least one --image FILE or --text TEXT");
    }
    if (out != null) {
      OutputFile.requireWritable(out, "the .safetensors file to write");
    }
    try (ClipModel model = clip.load(terminal)) {
      List<float[]> ofImages =
          raw ? batches.features(terminal, model, images) : batches.embed(terminal, model, images);
      List<float[]> ofTexts =
          texts.isEmpty() ? List.of() : raw ? model.textFeatures(texts) : model.embedTexts(texts);
      if (out != null) {
        write(out, ofImages, ofTexts);
      }
      if (json) {
        printJson(model.dimension(), ofImages, ofTexts);
      } else if (out == null) {
        print(ofImages, ofTexts);
      }
      return Main.OK;
    }
  }

  private static void write(Path file, List<float[]> ofImages, List<float[]> ofTexts) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < ofImages.size(); i++) {
      tensors.put("image." + i, Tensor.ofFloats(ofImages.get(i), ofImages.get(i).length));
    }
    for (int i = 0; i < ofTexts.size(); i++) {
      tensors.put("text." + i, Tensor.ofFloats(ofTexts.get(i), ofTexts.get(i).length));
    }
    SafetensorsWriter.write(file, tensors);
  }

  private List<String> sources() {
    List<String> sources = new ArrayList<>();
    images.forEach(file -> sources.add(file.toString()));
    sources.addAll(texts);
    return sources;
  }

  private static List<float[]> all(List<float[]> ofImages, List<float[]> ofTexts) {
    List<float[]> all = new ArrayList<>(ofImages);
    all.addAll(ofTexts);
    return all;
  }

  private void printJson(int dimension, List<float[]> ofImages, List<float[]> ofTexts) {
    ObjectNode document = Json.object();
    document.put("model", clip.path().toString());
    document.put("dim", dimension);
    document.put("normalized", !raw);
    ArrayNode embeddings = document.putArray("embeddings");
    List<String> sources = sources();
    List<float[]> vectors = all(ofImages, ofTexts);
    for (int i = 0; i < vectors.size(); i++) {
      ObjectNode node = embeddings.addObject();
      node.put("source", sources.get(i));
      ArrayNode vector = node.putArray("vector");
      for (float value : vectors.get(i)) {
        vector.add(value);
      }
    }
    Json.print(terminal.out(), document);
  }

  private void print(List<float[]> ofImages, List<float[]> ofTexts) {
    List<String> sources = sources();
    List<float[]> vectors = all(ofImages, ofTexts);
    for (int i = 0; i < vectors.size(); i++) {
      StringBuilder line = new StringBuilder(sources.get(i)).append(": ");
      float[] vector = vectors.get(i);
      for (int j = 0; j < Math.min(SHOWN, vector.length); j++) {
        line.append(String.format(Locale.ROOT, "%s%.4f", j == 0 ? "[" : ", ", vector[j]));
      }
      line.append(vector.length > SHOWN ? ", … " + vector.length + " numbers]" : "]");
      terminal.out().println(line);
    }
  }
}
