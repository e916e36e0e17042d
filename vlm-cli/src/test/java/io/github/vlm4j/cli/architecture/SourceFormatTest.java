package io.github.vlm4j.cli.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Sources are in google-java-format. Spotless checks the same where Maven itself runs on JDK 25;
 * tests always do, so this holds whatever JVM runs Maven.
 */
class SourceFormatTest {

  @Test
  void sourcesAreFormatted() throws IOException {
    Path root = Path.of("..").toRealPath();
    List<Path> sources = sources(root);
    assertThat(sources).isNotEmpty();

    List<Path> unformatted =
        sources.parallelStream().filter(SourceFormatTest::differs).map(root::relativize).toList();

    assertThat(unformatted)
        .as("not in google-java-format; run \"mvn spotless:apply\" with JAVA_HOME set to JDK 25")
        .isEmpty();
  }

  private static boolean differs(Path file) {
    try {
      String source = Files.readString(file);
      return !source.equals(new Formatter().formatSourceAndFixImports(source));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (FormatterException e) {
      throw new IllegalStateException(file + " cannot be parsed", e);
    }
  }

  private static List<Path> sources(Path root) throws IOException {
    try (Stream<Path> folders = Files.list(root)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("pom.xml")))
          .map(folder -> folder.resolve("src"))
          .filter(Files::isDirectory)
          .flatMap(SourceFormatTest::javaFiles)
          .sorted()
          .toList();
    }
  }

  private static Stream<Path> javaFiles(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
