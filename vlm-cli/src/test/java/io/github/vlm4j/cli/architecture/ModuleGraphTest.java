package io.github.vlm4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.lang.module.ResolvedModule;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Tests and the launcher use the class path; here the same jars are resolved as modules. */
class ModuleGraphTest {

  @Test
  void commandResolvesOnTheModulePathAndBindsTheCpuBackend() {
    Path[] path =
        Pattern.compile(File.pathSeparator, Pattern.LITERAL)
            .splitAsStream(System.getProperty("java.class.path"))
            .map(Path::of)
            .filter(entry -> !entry.endsWith("test-classes"))
            .filter(entry -> !entry.toString().endsWith("-tests.jar"))
            .toArray(Path[]::new);

    Configuration graph =
        ModuleLayer.boot()
            .configuration()
            .resolveAndBind(
                ModuleFinder.of(path), ModuleFinder.of(), Set.of("io.github.vlm4j.cli"));

    assertThat(graph.modules().stream().map(ResolvedModule::name).collect(Collectors.toSet()))
        .contains(
            "io.github.vlm4j.core",
            "io.github.vlm4j.vision",
            "io.github.vlm4j.text",
            "io.github.vlm4j.connector",
            "io.github.vlm4j.search",
            "io.github.vlm4j.models",
            "io.github.vlm4j.backend.cpu");
  }
}
