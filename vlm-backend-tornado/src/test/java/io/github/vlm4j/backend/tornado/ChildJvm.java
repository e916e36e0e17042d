package io.github.vlm4j.backend.tornado;

import io.github.vlm4j.core.backend.Availability;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs something in a JVM of its own, as one JVM can start TornadoVM once. */
public final class ChildJvm {

  private static final String ANSWER = "availability ";

  private ChildJvm() {}

  /** Prints whether the backend can run and why not. */
  public static void main(String[] args) {
    TornadoBackendProvider provider = new TornadoBackendProvider();
    int priority = provider.priority();
    Availability availability = provider.availability();
    System.out.println(
        ANSWER + availability.usable() + " " + priority + " " + availability.detail());
  }

  /**
   * Returns what the provider says in a new JVM, as {@code false -100 reason}.
   *
   * @param environment what it has beside this one's
   * @param options of the JVM
   * @param further what is on the class path beside the test's own
   */
  public static String ask(Map<String, String> environment, List<String> options, Path... further)
      throws IOException, InterruptedException {
    String text = run(ChildJvm.class, environment, options, further);
    return text.lines()
        .filter(line -> line.startsWith(ANSWER))
        .map(line -> line.substring(ANSWER.length()))
        .findFirst()
        .orElseThrow(() -> new IOException("The JVM did not answer: " + text));
  }

  /**
   * Returns what a main class prints in a new JVM, which must end well. Of TornadoVM nothing is on
   * the class path.
   *
   * @param environment what it has beside this one's
   * @param options of the JVM
   * @param further what is on the class path beside the test's own
   */
  public static String run(
      Class<?> main, Map<String, String> environment, List<String> options, Path... further)
      throws IOException, InterruptedException {
    String own = System.getProperty("java.class.path");
    String api = System.getProperty("vlm.tornado.api");
    List<String> path = new ArrayList<>(List.of(own.split(File.pathSeparator, -1)));
    path.removeIf(entry -> entry.equals(api));
    for (Path entry : further) {
      path.add(entry.toString());
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", String.join(File.pathSeparator, path), main.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("JDK_JAVA_OPTIONS");
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (InputStream output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IOException("The JVM failed: " + text);
      }
      return text;
    }
  }
}
