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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the provider says of an SDK of which something is missing; none of it may end the JVM. */
@NeedsSdk
final class AvailabilityTest {

  private final Path sdk = Path.of(Objects.requireNonNull(System.getenv("TORNADOVM_HOME")));

  @TempDir Path folder;

  @Test
  void withTheArgumentFileItIsUsable() throws Exception {
    assertThat(ask(line -> line)).startsWith("true ");
  }

  @Test
  void withoutAPlatformItIsNot() throws Exception {
    Map<String, String> noVendors = Map.of("OCL_ICD_VENDORS", folder.toString());
    assertUnusable(ChildJvm.ask(noVendors, List.of("@" + sdk.resolve("tornado-argfile"))));
  }

  @Test
  void withoutTheCompilerOfTheJvmItIsNot() throws Exception {
    assertUnusable(ask(line -> line.contains("EnableJVMCI") ? "" : line));
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
    assertUnusable(answer);
  }

  @Test
  void withoutTheLibrariesItIsNot() throws Exception {
    assertUnusable(
        ask(line ->
            line.startsWith("-Djava.library.path") ? "-Djava.library.path=" + folder : line));
  }

  private static void assertUnusable(String answer) {
    assertThat(answer).startsWith("false -100 ").contains("TORNADOVM_HOME").endsWith(".");
  }

  /** Asks with an argument file of changed lines. */
  private String ask(UnaryOperator<String> change) throws IOException, InterruptedException {
    Path changed = folder.resolve("argfile");
    Files.write(
        changed, Files.readAllLines(sdk.resolve("tornado-argfile")).stream().map(change).toList());
    return ChildJvm.ask(Map.of(), List.of("@" + changed));
  }
}
