package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.vlm4j.models.SupportedModels;
import io.github.vlm4j.models.family.SupportedArchitecture;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code vlm models}: what is supported. */
@Command(
    name = "models",
    description =
        "Lists the models that can be run: what they are recognised by, and the parts that are "
            + "put together for them.",
    mixinStandardHelpOptions = true)
final class ModelsCommand implements Callable<Integer> {

  private static final List<String> COLUMNS =
      List.of("family", "recognised by", "files", "encoder", "connector", "decoder");

  private final Terminal terminal;

  @ArgGroup Format format = new Format();

  /** How the table is printed. */
  static final class Format {

    @Option(names = "--json", description = "Prints one JSON document.")
    boolean json;

    @Option(
        names = "--markdown",
        description = "Prints a Markdown table, as docs/models.md has it.")
    boolean markdown;
  }

  ModelsCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() {
    List<SupportedArchitecture> supported = SupportedModels.all();
    if (format.json) {
      Json.print(terminal.out(), document(supported));
    } else if (format.markdown) {
      terminal.out().print(markdown(supported));
    } else {
      supported.forEach(this::print);
    }
    return Main.OK;
  }

  private static List<String> cells(SupportedArchitecture row) {
    return List.of(
        row.family(),
        row.recognisedBy(),
        row.layout(),
        row.encoder(),
        row.connector(),
        row.decoder());
  }

  private void print(SupportedArchitecture row) {
    List<String> cells = cells(row);
    terminal.out().println(cells.getFirst());
    for (int i = 1; i < cells.size(); i++) {
      terminal.out().printf(Locale.ROOT, "  %-14s %s%n", COLUMNS.get(i), cells.get(i));
    }
  }

  /** Returns the table in Markdown, lines ended by {@code \n}. */
  static String markdown(List<SupportedArchitecture> supported) {
    StringBuilder table = new StringBuilder(line(COLUMNS)).append("|---".repeat(COLUMNS.size()));
    table.append("|\n");
    supported.forEach(row -> table.append(line(cells(row))));
    return table.toString();
  }

  private static String line(List<String> cells) {
    return cells.stream()
        .map(cell -> cell.replace("|", "\\|"))
        .collect(Collectors.joining(" | ", "| ", " |\n"));
  }

  private static ObjectNode document(List<SupportedArchitecture> supported) {
    ObjectNode document = Json.object();
    ArrayNode models = document.putArray("models");
    for (SupportedArchitecture row : supported) {
      ObjectNode node = models.addObject();
      node.put("family", row.family());
      row.modelTypes().forEach(node.putArray("modelTypes")::add);
      node.put("recognisedBy", row.recognisedBy());
      node.put("files", row.layout());
      node.put("encoder", row.encoder());
      node.put("connector", row.connector());
      node.put("decoder", row.decoder());
    }
    return document;
  }
}
