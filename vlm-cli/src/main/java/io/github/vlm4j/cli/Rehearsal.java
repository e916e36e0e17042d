package io.github.vlm4j.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The main class of the JVM that an archive of classes is made by: it runs several commands one
 * after the other, so that the archive serves them all.
 */
public final class Rehearsal {

  /** What stands between two commands. */
  private static final String THEN = "then";

  private Rehearsal() {}

  /**
   * Runs the commands, whose words nobody sees, up to the first that fails.
   *
   * @param args the arguments of a command, {@code then}, those of the next, and so on
   */
  public static void main(String[] args) {
    PrintStream err = Launcher.stderr();
    PrintStream out =
        new PrintStream(new Output(OutputStream.nullOutputStream()), false, StandardCharsets.UTF_8);
    int code = Main.OK;
    List<String> left = Arrays.asList(args);
    while (!left.isEmpty() && code == Main.OK) {
      int end = left.contains(THEN) ? left.indexOf(THEN) : left.size();
      Terminal terminal = new Terminal(System.in, out, err, false, false);
      code = Main.run(terminal, left.subList(0, end).toArray(String[]::new));
      left = left.subList(Math.min(end + 1, left.size()), left.size());
    }
    System.exit(code);
  }
}
