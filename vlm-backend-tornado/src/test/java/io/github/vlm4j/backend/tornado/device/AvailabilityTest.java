package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.tornado.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the provider says of every way in which TornadoVM may be missing; none may end the JVM. */
final class AvailabilityTest {

  private static final Path SDK =
      Path.of(
          Objects.requireNonNull(
              System.getenv("TORNADOVM_HOME"), "These tests need TORNADOVM_HOME"));

  @TempDir Path folder;

  @Test
  void withTheArgumentFileItIsUsable() throws Exception {
    assertThat(ask(line -> line)).startsWith("true ");
  }

  @Test
  void withoutTheApiItIsNot() throws Exception {
    assertUnusable(ChildJvm.ask(Map.of(), List.of()), "uk.ac.manchester.tornado.api");
  }

  @Test
  void withTheApiAloneItIsNot() throws Exception {
    assertUnusable(ChildJvm.ask(Map.of(), List.of(), api()), "TornadoAPIException");
  }

  @Test
  void withTheFolderOfNoSdkItIsNot() throws Exception {
    String none = folder.resolve("none").toString();
    assertUnusable(ChildJvm.ask(Map.of("TORNADOVM_HOME", none), List.of()), none);
  }

  @Test
  void withoutAPlatformItIsNot() throws Exception {
    Map<String, String> noVendors = Map.of("OCL_ICD_VENDORS", folder.toString());
    assertUnusable(ChildJvm.ask(noVendors, List.of("@" + SDK.resolve("tornado-argfile"))), "");
  }

  @Test
  void withoutTheCompilerOfTheJvmItIsNot() throws Exception {
    assertUnusable(ask(line -> line.contains("EnableJVMCI") ? "" : line), "");
  }

  @Test
  void withoutADriverItIsNot() throws Exception {
    String answer =
        ask(line ->
            line.contains("tornado.drivers.opencl") && line.startsWith("--")
                ? line.startsWith("--add-modules")
                    ? line.replace(",tornado.drivers.opencl", "")
                    : ""
                : line);
    assertUnusable(answer, "");
  }

  @Test
  void withoutTheLibrariesItIsNot() throws Exception {
    assertUnusable(
        ask(line ->
            line.startsWith("-Djava.library.path") ? "-Djava.library.path=" + folder : line),
        "");
  }

  private static void assertUnusable(String answer, String cause) {
    assertThat(answer)
        .startsWith("false -100 ")
        .contains(cause)
        .contains("TORNADOVM_HOME")
        .endsWith(".");
  }

  /** Asks with an argument file of changed lines. */
  private String ask(UnaryOperator<String> change) throws IOException, InterruptedException {
    Path changed = folder.resolve("argfile");
    Files.write(
        changed, Files.readAllLines(SDK.resolve("tornado-argfile")).stream().map(change).toList());
    return ChildJvm.ask(Map.of(), List.of("@" + changed));
  }

  private static Path api() throws IOException {
    try (Stream<Path> jars = Files.list(SDK.resolve("share/java/tornado"))) {
      return jars.filter(jar -> jar.getFileName().toString().startsWith("tornado-api-"))
          .findFirst()
          .orElseThrow();
    }
  }
}
