package io.github.vlm4j.backend.tornado.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.vlm4j.backend.tornado.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the provider says of device code that was built, in a JVM that was not started for it. */
final class AvailabilityWithoutSdkTest {

  @TempDir Path folder;

  @Test
  void withoutTheApiItIsNotUsable() throws Exception {
    assertUnusable(ChildJvm.ask(Map.of(), List.of()), "uk.ac.manchester.tornado.api");
  }

  @Test
  void withTheApiAloneItIsNotUsable() throws Exception {
    Path api = Path.of(Objects.requireNonNull(System.getProperty("vlm.tornado.api")));
    assertThat(api).isRegularFile();
    assertUnusable(ChildJvm.ask(Map.of(), List.of(), api), "TornadoAPIException");
  }

  @Test
  void withTheFolderOfNoSdkItIsNotUsable() throws Exception {
    String none = folder.resolve("none").toString();
    assertUnusable(ChildJvm.ask(Map.of("TORNADOVM_HOME", none), List.of()), none);
  }

  @Test
  void withAnSdkWithoutAnArgumentFileItIsNotUsable() throws Exception {
    Files.createDirectories(folder.resolve("sdk/share/java/tornado"));
    String sdk = folder.resolve("sdk").toString();
    String answer = ChildJvm.ask(Map.of("TORNADOVM_HOME", sdk), List.of());
    assertUnusable(answer, sdk);
    assertThat(answer).contains("no readable file tornado-argfile");
  }

  private static void assertUnusable(String answer, String cause) {
    assertThat(answer)
        .startsWith("false -100 ")
        .contains(cause)
        .contains("TORNADOVM_HOME")
        .endsWith(".");
  }
}
