package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.clip.Similarity;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm similarity}: how well each picture matches each text. */
@Command(
    name = "similarity",
    description =
        "Compares each picture with each text and prints the logits as a table, one line for each "
            + "picture.",
    mixinStandardHelpOptions = true)
final class SimilarityCommand implements Callable<Integer> {

  private static final int MAX_COLUMN = 24;

  private final Terminal terminal;

  @Option(
      names = "--image",
      required = true,
      paramLabel = "FILE",
      description = "A picture; may be given several times.")
  List<Path> images = List.of();

  @Option(
      names = "--text",
      required = true,
      paramLabel = "TEXT",
      description = "A text; may be given several times.")
  List<String> texts = List.of();

  @Option(names = "--json", description = "Prints one JSON document.")
  boolean json;

  @Mixin PictureBatches batches = new PictureBatches();

  @Mixin ClipOptions clip = new ClipOptions();

  SimilarityCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    batches.check();
    try (ClipModel model = clip.load(terminal)) {
      List<float[]> ofTexts = model.embedTexts(texts);
      Similarity similarity = model.compare(batches.embed(terminal, model, images), ofTexts);
      if (json) {
        ObjectNode document = Json.object();
        matrix(document.putArray("logitsPerImage"), similarity.logitsPerImage());
        matrix(document.putArray("probabilities"), similarity.probabilities());
        Json.print(terminal.out(), document);
      } else {
        print(similarity.logitsPerImage());
      }
      return Main.OK;
    }
  }

  private static void matrix(ArrayNode node, float[][] values) {
    for (float[] row : values) {
      ArrayNode list = node.addArray();
      for (float value : row) {
        list.add(value);
      }
    }
  }

  private void print(float[][] logits) {
    int first = images.stream().mapToInt(file -> file.toString().length()).max().orElse(0);
    StringBuilder head = new StringBuilder(" ".repeat(first));
    for (String text : texts) {
      head.append("  ").append(fitted(text));
    }
    terminal.out().println(head);
    for (int i = 0; i < logits.length; i++) {
      StringBuilder line =
          new StringBuilder(String.format(Locale.ROOT, "%-" + first + "s", images.get(i)));
      for (int j = 0; j < texts.size(); j++) {
        int width = fitted(texts.get(j)).length();
        line.append("  ").append(String.format(Locale.ROOT, "%" + width + ".4f", logits[i][j]));
      }
      terminal.out().println(line);
    }
  }

  private static String fitted(String text) {
    String line = Main.oneLine(text);
    String cut = line.length() > MAX_COLUMN ? line.substring(0, MAX_COLUMN - 1) + "…" : line;
    return String.format(Locale.ROOT, "%8s", cut);
  }
}
