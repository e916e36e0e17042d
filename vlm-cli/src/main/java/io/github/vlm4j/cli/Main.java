package io.github.vlm4j.cli;

import io.github.vlm4j.core.VlmException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/** The {@code vlm} command line: vision-language models in plain Java. */
@Command(
    name = "vlm",
    description = "Vision-language models in plain Java: images in, words out.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    footer = {"", "Try: vlm describe examples/scene.png"})
public final class Main {

  /** The command did what it was asked. */
  static final int OK = 0;

  /** Something about the input, the model or the machine was wrong. */
  static final int FAILURE = 1;

  /** The command line itself was wrong. */
  static final int USAGE = 2;

  /** The names of the commands, in the order in which they are listed. */
  private static final List<String> COMMANDS =
      List.of(
          "describe",
          "generate",
          "chat",
          "score",
          "embed",
          "classify",
          "similarity",
          "search",
          "explain",
          "features",
          "models",
          "inspect",
          "quantize",
          "bench",
          "backends");

  /** Tells the version that the jar was built as. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"vlm " + (version == null ? "(development)" : version)};
    }
  }

  private Main() {}

  /**
   * Runs a command line.
   *
   * @param terminal what it reads and writes
   * @param args the arguments, the command's name first
   * @return the exit code: 0 if all went well, 1 for a failure, 2 for wrong usage
   */
  public static int run(Terminal terminal, String... args) {
    // To look at the options of every command takes as long as all else that the command does.
    boolean named = args.length > 0 && COMMANDS.contains(args[0]);
    CommandLine commandLine = commandLine(terminal, named ? List.of(args[0]) : COMMANDS);
    if (args.length == 0) {
      commandLine.usage(commandLine.getErr());
      return USAGE;
    }
    int code;
    try {
      code = commandLine.execute(args);
    } catch (Error failure) {
      code = report(terminal, failure);
    }
    return terminal.isUnread() && code == OK ? FAILURE : code;
  }

  /** The command line with all commands. */
  static CommandLine commandLine(Terminal terminal) {
    return commandLine(terminal, COMMANDS);
  }

  private static CommandLine commandLine(Terminal terminal, List<String> commands) {
    CommandLine line = new CommandLine(new Main());
    commands.forEach(name -> line.addSubcommand(name, command(name, terminal)));
    return line.addSubcommand(new CommandLine.HelpCommand())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(new PrintWriter(terminal.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8))
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::wrongUsage)
        .setExecutionExceptionHandler((failure, command, parsed) -> report(terminal, failure));
  }

  private static Object command(String name, Terminal terminal) {
    return switch (name) {
      case "describe" -> new DescribeCommand(terminal);
      case "generate" -> new GenerateCommand(terminal);
      case "chat" -> new ChatCommand(terminal);
      case "score" -> new ScoreCommand(terminal);
      case "embed" -> new EmbedCommand(terminal);
      case "classify" -> new ClassifyCommand(terminal);
      case "similarity" -> new SimilarityCommand(terminal);
      case "search" -> SearchCommand.commandLine(terminal);
      case "explain" -> new ExplainCommand(terminal);
      case "features" -> new FeaturesCommand(terminal);
      case "models" -> new ModelsCommand(terminal);
      case "inspect" -> new InspectCommand(terminal);
      case "quantize" -> new QuantizeCommand(terminal);
      case "bench" -> new BenchCommand(terminal);
      case "backends" -> new BackendsCommand(terminal);
      default -> throw new IllegalArgumentException("There is no command " + name);
    };
  }

  private static int wrongUsage(ParameterException wrong, String... args) {
    CommandLine command = wrong.getCommandLine();
    command
        .getErr()
        .println(
            "vlm: "
                + oneLine(String.valueOf(wrong.getMessage()))
                + " (see: "
                + command.getCommandSpec().qualifiedName()
                + " --help)");
    return USAGE;
  }

  /** A failure that the SDK foresaw is a sentence already; any other says that it is a defect. */
  private static int report(Terminal terminal, Throwable failure) {
    terminal.clearProgress();
    String message =
        switch (failure) {
          case VlmException foreseen -> String.valueOf(foreseen.getMessage());
          case OutOfMemoryError _ ->
              "there is not enough memory: the Java heap may grow to "
                  + InspectCommand.bytes(Runtime.getRuntime().maxMemory())
                  + " of the machine's "
                  + InspectCommand.bytes(Machine.memoryBytes())
                  + "; use fewer or smaller pictures or a shorter prompt, or set"
                  + " VLM_JAVA_OPTS=-Xmx… to allow more.";
          default -> "this should not have happened, please report it: " + failure + place(failure);
        };
    terminal.err().println("vlm: " + oneLine(message));
    return FAILURE;
  }

  private static String place(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return trace.length == 0 ? "" : " at " + trace[0];
  }

  static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
