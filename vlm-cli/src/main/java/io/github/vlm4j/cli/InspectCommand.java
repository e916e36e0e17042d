package io.github.vlm4j.cli;

import io.github.vlm4j.models.ModelLayout;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code vlm inspect}: what a model is made of. */
@Command(
    name = "inspect",
    description = {
      "Prints a model's modules with the shapes and types of their parameters and their number, "
          + "and the memory it needs.",
      "No weights are loaded; a folder with nothing but config.json will do."
    },
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {

  private static final int[] CONTEXTS = {1024, 8192, 32_768};

  private final Terminal terminal;

  @Option(names = "--model", required = true, paramLabel = "DIR", description = "A model folder.")
  Path model = Path.of("");

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    ModelLayout layout = ModelLayout.read(model);
    terminal.out().print(new ModulePrinter(layout.modules()).print(layout.modelType()));
    terminal.out().println();
    long weights = layout.modules().byteSize();
    line("Parameters", number(layout.modules().parameterCount()));
    line("Context", number(layout.decoder().contextLength()) + " tokens");
    line(
        "Weights",
        bytes(weights)
            + (layout.fromCheckpoint() ? "" : " (from config.json; there are no tensor files)"));
    for (int tokens : contexts(layout.decoder().contextLength())) {
      long cache = layout.cacheBytesPerToken() * tokens;
      line(
          "Memory, " + number(tokens) + " tokens",
          bytes(weights + cache) + " (weights and " + bytes(cache) + " of keys and values)");
    }
    return Main.OK;
  }

  /** The usual lengths that the model can take, or else the most it can. */
  private static int[] contexts(int limit) {
    int[] possible = IntStream.of(CONTEXTS).filter(context -> context <= limit).toArray();
    return possible.length == 0 ? new int[] {limit} : possible;
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
