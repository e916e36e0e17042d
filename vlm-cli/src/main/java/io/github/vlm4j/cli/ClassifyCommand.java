package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.clip.Similarity;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code vlm classify}: which of some labels fits each picture. */
@Command(
    name = "classify",
    description = {
      "Tells how well each label fits each picture, best first; no training is needed.",
      "With CLIP the labels compete and their probabilities add up to 1; with SigLIP each stands "
          + "for itself."
    },
    mixinStandardHelpOptions = true)
final class ClassifyCommand implements Callable<Integer> {

  private static final String PLACE = "{}";

  private final Terminal terminal;

  @Spec CommandSpec command = CommandSpec.create();

  @Parameters(arity = "0..*", paramLabel = "IMAGE", description = "Picture files.")
  List<Path> files = List.of();

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "A picture; may be given several times.")
  List<Path> images = List.of();

  @Option(
      names = "--label",
      required = true,
      paramLabel = "TEXT",
      description = "A label; may be given several times.")
  List<String> labels = List.of();

  @Option(
      names = "--template",
      paramLabel = "TEXT",
      defaultValue = PLACE,
      description =
          "What the model is told of a label, which stands where {} is, such as \"a photo of a "
              + "{}.\". Default: the label alone.")
  String template = PLACE;

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin PictureBatches batches = new PictureBatches();

  @Mixin ClipOptions clip = new ClipOptions();

  ClassifyCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    batches.check();
    List<Path> pictures = PictureFiles.of(files, images, command);
    if (!template.contains(PLACE)) {
      throw new ParameterException(
          command.commandLine(),
          "--template must contain {}, which stands for the label: \"" + template + "\"");
    }
    try (ClipModel model = clip.load(terminal)) {
      List<String> texts = labels.stream().map(label -> template.replace(PLACE, label)).toList();
      List<float[]> ofTexts = model.embedTexts(texts);
      List<float[]> ofImages = batches.embed(terminal, model, pictures);
      Similarity similarity = model.compare(ofImages, ofTexts);
      if (json) {
        printJson(pictures, similarity);
      } else {
        print(pictures, similarity);
      }
      return Main.OK;
    }
  }

  private List<Integer> bestFirst(float[] logits) {
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -logits[i]))
        .toList();
  }

  private void printJson(List<Path> pictures, Similarity similarity) {
    float[][] probabilities = similarity.probabilities();
    ObjectNode document = Json.object();
    ArrayNode results = document.putArray("results");
    for (int i = 0; i < pictures.size(); i++) {
      ObjectNode result = results.addObject();
      result.put("image", pictures.get(i).toString());
      ArrayNode scores = result.putArray("scores");
      for (int j : bestFirst(similarity.logitsPerImage()[i])) {
        ObjectNode score = scores.addObject();
        score.put("label", labels.get(j));
        score.put("logit", similarity.logitsPerImage()[i][j]);
        score.put("probability", probabilities[i][j]);
      }
    }
    Json.print(terminal.out(), document);
  }

  private void print(List<Path> pictures, Similarity similarity) {
    float[][] probabilities = similarity.probabilities();
    for (int i = 0; i < pictures.size(); i++) {
      if (pictures.size() > 1) {
        terminal.out().println((i > 0 ? System.lineSeparator() : "") + pictures.get(i) + ":");
      }
      for (int j : bestFirst(similarity.logitsPerImage()[i])) {
        terminal
            .out()
            .println(
                String.format(
                    Locale.ROOT, "%6.2f %%  %s", 100 * probabilities[i][j], labels.get(j)));
      }
    }
  }
}
