package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.models.ClipModel;
import io.github.vlm4j.models.clip.Explanation;
import io.github.vlm4j.models.clip.HeatMap;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.SeenRegion;
import java.awt.image.RenderedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm explain}: where in a picture a match comes from. */
@Command(
    name = "explain",
    description = {
      "Draws a heat map over a picture that shows where its match with a text comes from: "
          + "yellow where it is best, dark blue where it is least.",
      "The best place is also printed, in pixels of the picture."
    },
    mixinStandardHelpOptions = true)
final class ExplainCommand implements Callable<Integer> {

  private final Terminal terminal;

  @Option(names = "--image", required = true, paramLabel = "FILE", description = "A picture.")
  Path image = Path.of("");

  @Option(
      names = "--text",
      required = true,
      paramLabel = "TEXT",
      description = "What it is compared with.")
  String text = "";

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "The .png file to write.")
  Path out = Path.of("");

  @Option(
      names = "--method",
      paramLabel = "METHOD",
      defaultValue = "similarity",
      description =
          "similarity: each patch's own embedding compared with the text's; rollout: what the "
              + "encoder looks at whatever the text, for encoders with a class token. "
              + "Default: ${DEFAULT-VALUE}.")
  Explanation method = Explanation.SIMILARITY;

  @Option(names = "--json", description = "Prints one JSON document with the whole map.")
  boolean json;

  @Mixin ClipOptions clip = new ClipOptions();

  ExplainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    OutputFile.requireWritable(out, "the .png file to write");
    try (ClipModel model = clip.load(terminal)) {
      Image picture = Image.of(image);
      HeatMap map = model.explain(picture, text, method);
      write(map.over(picture));
      if (json) {
        printJson(map);
      } else {
        terminal
            .out()
            .printf(
                "%s: \"%s\" fits best around column %d, row %d of %d×%d; see %s%n",
                image, text, column(map), row(map), picture.width(), picture.height(), out);
      }
      return Main.OK;
    }
  }

  private static int column(HeatMap map) {
    SeenRegion region = map.region();
    int patch = map.hottest() % map.grid().width();
    return (int) (region.left() + (patch + 0.5) / map.grid().width() * region.width());
  }

  private static int row(HeatMap map) {
    SeenRegion region = map.region();
    int patch = map.hottest() / map.grid().width();
    return (int) (region.top() + (patch + 0.5) / map.grid().height() * region.height());
  }

  private void printJson(HeatMap map) {
    ObjectNode document = Json.object();
    document.put("image", image.toString());
    document.put("text", text);
    ArrayNode best = document.putArray("best");
    best.add(column(map));
    best.add(row(map));
    ArrayNode rows = document.putArray("map");
    for (int y = 0; y < map.grid().height(); y++) {
      ArrayNode row = rows.addArray();
      for (int x = 0; x < map.grid().width(); x++) {
        row.add(map.values()[y * map.grid().width() + x]);
      }
    }
    Json.print(terminal.out(), document);
  }

  /** Written beside its place and moved there, so that no half of it is ever found. */
  private void write(RenderedImage overlay) {
    Path target = out.toAbsolutePath();
    try {
      Path partial = Files.createTempFile(target.getParent(), ".vlm", ".png");
      try {
        if (!ImageIO.write(overlay, "png", partial.toFile())) {
          throw new IOException("there is no PNG writer");
        }
        Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException failed) {
      throw new InputException(out + " cannot be written: " + failed.getMessage() + ".", failed);
    }
  }
}
