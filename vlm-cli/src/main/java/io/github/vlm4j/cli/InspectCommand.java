package io.github.vlm4j.cli;

import io.github.vlm4j.core.model.DecoderGeometry;
import io.github.vlm4j.core.model.TextEncoder;
import io.github.vlm4j.models.ModelLayout;
import io.github.vlm4j.models.clip.DualEncoder;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code vlm inspect}: what a model is made of. */
@Command(
    name = "inspect",
    description = {
      "Prints a model's modules with the shapes and types of their parameters and their number, "
          + "and the memory it needs.",
      "No weights are loaded; a folder with nothing but config.json will do, and so will a file "
          + "of weights whose tensors' names say what it is."
    },
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {

  private static final int[] CONTEXTS = {1024, 8192, 32_768};

  private final Terminal terminal;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "PATH",
      description = "A model folder or a file of weights.")
  Path model = Path.of("");

  @Mixin ModelPartsOptions parts = new ModelPartsOptions();

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    ModelLayout layout = ModelLayout.read(parts.of(model));
    terminal.out().print(new ModulePrinter(layout.modules()).print(layout.modelType()));
    terminal.out().println();
    line("Recognised", layout.modelType() + ": " + layout.reason());
    long weights = layout.modules().byteSize();
    line("Parameters", number(layout.modules().parameterCount()));
    layout
        .decoder()
        .ifPresent(decoder -> line("Context", number(decoder.contextLength()) + " tokens"));
    layout.encoder().ifPresent(this::printEncoder);
    line(
        "Weights",
        bytes(weights)
            + (layout.fromCheckpoint() ? "" : " (from config.json; there are no tensor files)"));
    for (int tokens : contexts(layout)) {
      long cache = layout.cacheBytesPerToken() * tokens;
      line(
          "Memory, " + number(tokens) + " tokens",
          bytes(weights + cache) + " (weights and " + bytes(cache) + " of keys and values)");
    }
    return Main.OK;
  }

  private void printEncoder(DualEncoder encoder) {
    line("Embedding", number(encoder.dimension()) + " numbers");
    TextEncoder text = encoder.text();
    if (text != null) {
      line(
          "Texts",
          "up to " + number(text.contextLength()) + " tokens of " + number(text.vocabularySize()));
    }
  }

  /** The usual lengths that the model can take, or else the most it can. */
  private static int[] contexts(ModelLayout layout) {
    int limit = layout.decoder().map(DecoderGeometry::contextLength).orElse(0);
    int[] possible = IntStream.of(CONTEXTS).filter(context -> context <= limit).toArray();
    return possible.length == 0 && limit > 0 ? new int[] {limit} : possible;
  }

  private static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  private void line(String what, String value) {
    terminal.out().printf(Locale.ROOT, "%-26s %s%n", what, value);
  }

  /** Returns a size in the unit that leaves it readable. */
  static String bytes(long bytes) {
    String[] units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.2f %s", value, units[unit]);
  }
}
