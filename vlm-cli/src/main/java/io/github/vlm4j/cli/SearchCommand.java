package io.github.vlm4j.cli;

import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code vlm search}: pictures found by words or by example. */
@Command(
    name = "search",
    description = {
      "Finds pictures by words or by example, in folders of any size.",
      "First make an index of a folder, then ask it. Make it again whenever pictures have come, "
          + "changed or gone: those that are known are not looked at again."
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    footer = {
      "",
      "Try: vlm search index examples --index pictures.idx",
      "     vlm search query \"a red circle\" --index pictures.idx -k 3"
    })
final class SearchCommand {

  /** Held, as the log manager itself forgets loggers that nobody holds. */
  private static final Logger LUCENE = Logger.getLogger("org.apache.lucene");

  private SearchCommand() {}

  static CommandLine commandLine(Terminal terminal) {
    // It announces which vector instructions it chose; what goes wrong it throws.
    LUCENE.setLevel(Level.OFF);
    return new CommandLine(new SearchCommand())
        .addSubcommand(new SearchIndexCommand(terminal))
        .addSubcommand(new SearchQueryCommand(terminal));
  }
}
