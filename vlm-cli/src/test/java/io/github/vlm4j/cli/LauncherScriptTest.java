package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The {@code vlm} script in a folder that has been built, with a JVM that only writes down its
 * arguments.
 */
final class LauncherScriptTest {

  private static final String MAKES = "-XX:ArchiveClassesAtExit=";
  private static final String USES = "-XX:SharedArchiveFile=";
  private static final String MAKES_LINKED = "-XX:AOTCacheOutput=";
  private static final String USES_LINKED = "-XX:AOTCache=";
  private static final String VECTORS = "--add-modules=jdk.incubator.vector";

  /**
   * Writes its arguments down and makes the archive that is asked for, unless it is told to fail.
   */
  private static final String JAVA =
      """
      #!/bin/sh
      dir=$(dirname "$0")/..
      echo "$*" >>"$dir/calls"
      for argument in "$@"; do
        case $argument in
          -XX:ArchiveClassesAtExit=* | -XX:AOTCacheOutput=*)
            [ -e "$dir/fails" ] && exit 1
            echo classes >"${argument#*=}"
            ;;
          */CurrentClassFiles.java)
            [ -e "$dir/refuses" ] && exit 1
            ;;
        esac
      done
      """;

  @TempDir Path root;

  private Path jdk;
  private Path dist;

  @BeforeEach
  void build() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    Path script = Files.copy(Fixtures.root().resolve("vlm"), root.resolve("vlm"));
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Files.writeString(root.resolve("pom.xml"), "");
    Path module = Files.createDirectories(root.resolve("vlm-cli/src/main"));
    Files.writeString(module.getParent().getParent().resolve("pom.xml"), "");
    dist = Files.createDirectories(root.resolve("vlm-cli/target/dist"));
    jdk = Files.createDirectories(root.resolve("a jdk"));
    Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
    Files.writeString(java, JAVA);
    assertThat(java.toFile().setExecutable(true)).isTrue();
    Files.writeString(
        jdk.resolve("release"), "JAVA_RUNTIME_VERSION=\"25.0.3+9\"\nJAVA_VERSION=\"25.0.3\"\n");
    Files.writeString(dist.resolve("built"), "");
  }

  @Test
  void theFirstStartMakesTheArchiveAndEveryStartUsesIt() throws Exception {
    vlm("models");
    vlm("inspect");

    List<String> calls = calls();
    assertThat(calls).hasSize(3);
    assertThat(calls.get(0)).contains(MAKES).contains("describe").doesNotContain(USES);
    Path archive = dist.resolve("start-25.0.3+9.jsa");
    assertThat(calls.get(1)).contains(USES + archive).endsWith("models").doesNotContain(MAKES);
    assertThat(calls.get(2)).contains(USES + archive).endsWith("inspect").doesNotContain(MAKES);
  }

  @Test
  void theShippedModelIsAskedWithoutVectorsFromLinkedClasses() throws Exception {
    vlm("describe", "a.png", "--threads", "1");
    vlm("describe", "b.png");

    List<String> calls = calls();
    assertThat(calls).hasSize(3).noneMatch(call -> call.contains(VECTORS));
    Path cache = dist.resolve("start-25.0.3+9.aot");
    assertThat(calls.get(0)).contains(MAKES_LINKED).contains("describe").doesNotContain(MAKES);
    assertThat(options(calls.get(0))).isEqualTo(options(calls.get(1))).isNotEmpty();
    assertThat(calls.get(1)).contains(USES_LINKED + cache).endsWith("describe a.png --threads 1");
    assertThat(calls.get(2)).contains(USES_LINKED + cache).endsWith("describe b.png");
  }

  @Test
  void oldClassesAreWrittenAgainBeforeTheFirstArchiveOnly() throws Exception {
    Path jar = Files.createDirectories(dist.resolve("lib")).resolve("picocli-1.jar");
    Files.writeString(jar, "classes");

    vlm("models");
    vlm("describe", "a.png");

    List<String> calls = calls();
    assertThat(calls).hasSize(5);
    assertThat(calls.get(0)).endsWith("CurrentClassFiles.java " + jar);
    assertThat(calls.get(1)).contains(MAKES);
    assertThat(calls.get(3)).contains(MAKES_LINKED);
    assertThat(calls.subList(1, 5)).noneMatch(call -> call.contains("CurrentClassFiles"));
  }

  @Test
  void classesThatCannotBeWrittenAgainStayAsTheyAre() throws Exception {
    Path jar = Files.createDirectories(dist.resolve("lib")).resolve("picocli-1.jar");
    Files.writeString(jar, "classes");
    Path part = Files.writeString(Path.of(jar + ".part"), "half of them");
    Files.writeString(jdk.resolve("refuses"), "");

    vlm("models");

    assertThat(calls().getLast()).contains(USES);
    assertThat(jar).hasContent("classes");
    assertThat(part).doesNotExist();
  }

  @Test
  void theShippedModelIsOneOfThoseThatRunPlainLoops() throws Exception {
    Path weights = Fixtures.root().resolve("models/shapes-vl/model.safetensors");
    assertThat(Files.size(weights)).isLessThan(16L << 20);
  }

  @Test
  void anyOtherModelIsAskedWithVectors() throws Exception {
    vlm("describe", "--model", "folder", "a.png");
    vlm("describe", "--model=folder", "a.png");
    vlm("describe", "@arguments");
    vlm("generate", "--model", "folder");

    assertThat(calls())
        .hasSize(5)
        .allMatch(call -> call.contains(VECTORS))
        .noneMatch(call -> call.contains(USES_LINKED));
  }

  @Test
  void withOptionsOfTheUserTheShippedModelHasVectorsToo() throws Exception {
    vlm(Map.of("VLM_JAVA_OPTS", "-Dvlm.cpu.vector.bits=128"), "describe", "a.png");

    assertThat(calls().getLast()).contains(VECTORS).doesNotContain(USES_LINKED);
  }

  @Test
  void whereItCannotBeMadeTheCommandRunsWithoutAndItIsNotTriedAgain() throws Exception {
    Files.writeString(jdk.resolve("fails"), "");

    vlm("models");
    vlm("inspect");

    List<String> calls = calls();
    assertThat(calls).hasSize(3);
    assertThat(calls.get(0)).contains(MAKES);
    assertThat(calls.subList(1, 3)).noneMatch(call -> call.contains(MAKES) || call.contains(USES));
    try (Stream<Path> left = Files.list(dist)) {
      assertThat(left).hasSize(2);
    }
  }

  @Test
  void anotherVersionOfTheJvmGetsAnArchiveOfItsOwn() throws Exception {
    vlm("models");
    Files.writeString(
        jdk.resolve("release"), "JAVA_VERSION=\"26\"\nJAVA_RUNTIME_VERSION=\"26+35\"\n");
    vlm("models");

    assertThat(calls().getLast()).contains(USES + dist.resolve("start-26+35.jsa"));
  }

  @Test
  void anArchiveServesTheOptionsThatItWasMadeWith() throws Exception {
    vlm("models");

    List<String> calls = calls();
    assertThat(options(calls.get(0))).isEqualTo(options(calls.get(1))).isNotEmpty();
  }

  @Test
  void withTornadoVmItsOptionsComeFirstAndChooseTheCollector() throws Exception {
    Path sdk = Files.createDirectories(root.resolve("an sdk"));
    Files.writeString(sdk.resolve("tornado-argfile"), "");
    Files.writeString(dist.resolve("tornado"), "");

    vlm(Map.of("TORNADOVM_HOME", sdk.toString()), "backends");

    List<String> calls = calls();
    assertThat(calls).hasSize(1);
    assertThat(calls.getFirst())
        .startsWith("@" + sdk.resolve("tornado-argfile") + " ")
        .doesNotContain("-XX:+Use", MAKES, USES);
  }

  @Test
  void aFolderThatIsNoTornadoVmChangesNothing() throws Exception {
    vlm("backends");
    vlm(Map.of("TORNADOVM_HOME", root.resolve("none").toString()), "backends");

    List<String> calls = calls();
    assertThat(calls.getLast()).isEqualTo(calls.get(1));
  }

  private static List<String> options(String call) {
    return Stream.of(call.split(" ", -1))
        .filter(word -> word.startsWith("--add") || word.startsWith("--enable"))
        .toList();
  }

  private List<String> calls() throws IOException {
    return Files.readAllLines(jdk.resolve("calls"));
  }

  private void vlm(String... line) throws IOException, InterruptedException {
    vlm(Map.of(), line);
  }

  private void vlm(Map<String, String> environment, String... line)
      throws IOException, InterruptedException {
    List<String> words =
        Stream.concat(Stream.of(root.resolve("vlm").toString()), Stream.of(line)).toList();
    ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", jdk.toString());
    builder.environment().remove("VLM_JAVA_OPTS");
    builder.environment().remove("TORNADOVM_HOME");
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (InputStream output = process.getInputStream()) {
      String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(text).isZero();
    }
  }
}
