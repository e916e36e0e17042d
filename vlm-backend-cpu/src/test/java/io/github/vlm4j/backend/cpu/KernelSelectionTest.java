package io.github.vlm4j.backend.cpu;

import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import io.github.vlm4j.backend.cpu.emitted.EmittedKernels;
import io.github.vlm4j.backend.cpu.emitted.Products;
import io.github.vlm4j.backend.cpu.scalar.ScalarKernels;
import io.github.vlm4j.core.BackendException;
import io.github.vlm4j.core.backend.Backend;
import io.github.vlm4j.core.backend.BackendOptions;
import io.github.vlm4j.core.backend.Backends;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelSelectionTest {

  @Test
  void widthZeroMeansPlainLoops() {
    assertThat(KernelSelection.select("0", true)).isInstanceOf(ScalarKernels.class);
    assertThat(KernelSelection.select("0", false)).isInstanceOf(ScalarKernels.class);
  }

  @Test
  void withoutTheModulePlainLoopsAreUsed() {
    assertThat(KernelSelection.select(null, false)).isInstanceOf(ScalarKernels.class);
  }

  @Test
  void aWidthWithoutTheModuleIsRefusedNamingTheFlag() {
    assertThatThrownBy(() -> KernelSelection.select("256", false))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("--add-modules jdk.incubator.vector");
  }

  @Test
  void withTheModuleVectorsAreUsed() {
    assertThat(KernelSelection.select(null, true).name()).startsWith("vector-");
  }

  @Test
  void aJvmWithoutTheModuleOpensTheBackendAndLoadsNothingOfTheVectorPackage()
      throws IOException, InterruptedException {
    String output = java(List.of("-Xlog:class+load:stdout"), List.of());

    assertThat(output)
        .contains("opened cpu: 1 thread, scalar")
        .doesNotContain("io.github.vlm4j.backend.cpu.vector.");
  }

  @Test
  void aSmallModelIsComputedWithPlainLoopsAndALargeOrUnknownOneWithVectors() {
    assertThat(opened(KernelSelection.SMALL_WEIGHTS - 1)).endsWith("scalar");
    assertThat(opened(KernelSelection.SMALL_WEIGHTS)).contains("vector-");
    assertThat(opened(0)).contains("vector-");
  }

  private static String opened(long weightBytes) {
    BackendOptions options = new BackendOptions(1).withWeightBytes(weightBytes);
    try (Backend backend = Backends.find().open("cpu", options)) {
      return backend.description();
    }
  }

  @Test
  void theSystemPropertyGoesBeforeTheSizeOfTheModel() throws IOException, InterruptedException {
    List<String> module = List.of("--add-modules", "jdk.incubator.vector");

    assertThat(java(module, List.of("-Dsmall=true"))).contains("opened cpu: 1 thread, scalar");
    assertThat(
            java(module, List.of("-Dsmall=true", "-D" + KernelSelection.PROPERTY + "=preferred")))
        .contains("opened cpu: 1 thread, vector-");
  }

  @Test
  void aJvmWithTheModuleComputesWithVectors() throws IOException, InterruptedException {
    assertThat(java(List.of("--add-modules", "jdk.incubator.vector"), List.of()))
        .contains("opened cpu: 1 thread, vector-");
  }

  @Test
  void theSystemPropertySetsTheWidth() throws IOException, InterruptedException {
    List<String> module = List.of("--add-modules", "jdk.incubator.vector");

    assertThat(java(module, List.of("-D" + KernelSelection.PROPERTY + "=128")))
        .contains("opened cpu: 1 thread, vector-128");
    assertThat(java(module, List.of("-D" + KernelSelection.PROPERTY + "=100")))
        .contains("cannot run here")
        .contains("100");
  }

  @Test
  void emittedKernelsAreSwitchedOffByTheirPropertyAndByPlainLoops() {
    assertThat(KernelSelection.wantsEmission("on")).isTrue();
    assertThat(KernelSelection.wantsEmission("off")).isFalse();
    assertThat(KernelSelection.emission(new ScalarKernels()).kernels()).isNull();
    assertThatThrownBy(() -> KernelSelection.wantsEmission("maybe"))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining(KernelSelection.EMITTED_PROPERTY)
        .hasMessageContaining("maybe");
  }

  @Test
  void aJvmThatMayNotCallNativeCodeComputesWithVectorsAndPrintsNothingOfIt()
      throws IOException, InterruptedException {
    String output =
        java(
            List.of("--add-modules", "jdk.incubator.vector"),
            List.of("-D" + KernelSelection.EMITTED_PROPERTY + "=on"));

    assertThat(output.lines().filter(line -> line.startsWith("opened")))
        .singleElement(as(STRING))
        .startsWith("opened cpu: 1 thread, vector-")
        .doesNotContain("emitted");
    assertThat(output).doesNotContain("native");
  }

  @Test
  void theDescriptionTellsWhatIsEmitted() throws IOException, InterruptedException {
    String name =
        EmittedKernels.make(new ScalarKernels(), EnumSet.allOf(Products.class))
            .map(EmittedKernels::name)
            .orElse(null);
    assumeThat(name).isNotNull();
    List<String> options =
        List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");

    assertThat(java(options, List.of())).contains(" + " + name);
    assertThat(java(options, List.of("-D" + KernelSelection.EMITTED_PROPERTY + "=off")))
        .contains("opened cpu: 1 thread, vector-")
        .doesNotContain("emitted");
  }

  /** Opens the backend in a JVM of its own and returns what that prints. */
  private static String java(List<String> options, List<String> properties)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(options);
    command.addAll(properties);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Opening.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (InputStream output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      process.waitFor();
      return text;
    }
  }

  /** What the other JVM runs. */
  static final class Opening {

    private Opening() {}

    public static void main(String[] arguments) {
      BackendOptions options = new BackendOptions(1, Boolean.getBoolean("small") ? 1 : 0);
      try (Backend backend = Backends.find().open("cpu", options)) {
        System.out.println("opened " + backend.description());
      } catch (BackendException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
