package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.vlm4j.search.IndexSummary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SearchCommandTest {

  private static final Path MODELS =
      Fixtures.root().resolve("vlm-models/src/test/resources/clip").normalize();
  private static final Path MODEL = MODELS.resolve("hf_vit_p16_quickgelu");
  private static final Path PHOTO = MODEL.resolve("photo.png");

  @TempDir Path temporary;

  private Path folder;
  private Path index;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectories(temporary.toRealPath().resolve("pictures/deep")).getParent();
    index = folder.resolveSibling("index");
    Files.copy(PHOTO, folder.resolve("photo.png"));
    Files.copy(MODEL.resolve("stamp.png"), folder.resolve("deep/stamp.png"));
  }

  private CommandRun index(Object... more) {
    return search(more, "index", folder, "--index", index);
  }

  private CommandRun query(Object... more) {
    return search(more, "query", "--index", index);
  }

  private static CommandRun search(Object[] more, Object... first) {
    return CommandRun.of(
        Stream.of(Stream.<Object>of("search"), Stream.of(first), Stream.of(more))
            .flatMap(words -> words)
            .toArray());
  }

  private static Path copy(Path from, Path to) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(from)) {
      Files.createDirectories(to);
      for (Path file : files) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
      return to;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  @Test
  void indexesAFolderAgainAndAgain() throws IOException {
    assertThat(index("--model", MODEL).succeeded().out())
        .matches(
            "indexed 2, unchanged 0, replaced 0, removed 0, broken 0 in \\d+\\.\\d s"
                + " \\(\\d+\\.\\d images/s\\)\\R");
    Files.delete(folder.resolve("photo.png"));
    Files.copy(MODEL.resolve("cutout.png"), folder.resolve("cutout.png"));
    assertThat(index().succeeded().out())
        .startsWith("indexed 1, unchanged 1, replaced 0, removed 1, broken 0 in ");
    assertThat(index().succeeded().out())
        .matches("indexed 0, unchanged 2, replaced 0, removed 0, broken 0 in \\d+\\.\\d s\\R");
  }

  @Test
  void findsByExampleWithTheModelThatTheIndexRemembers() {
    index("--model", MODEL).succeeded();
    List<String> lines = query("--image", PHOTO).succeeded().out().lines().toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).isEqualTo(" 1.0000  " + folder.resolve("photo.png"));
    assertThat(lines.get(1)).endsWith(folder.resolve("deep/stamp.png").toString());
  }

  @Test
  void jsonTellsTheSameCosinesAsSimilarity() {
    index("--model", MODEL).succeeded();
    JsonNode found = query("a", "photo", "of a cat", "--json").json();
    assertThat(found.get("query").textValue()).isEqualTo("a photo of a cat");
    assertThat(found.get("results")).hasSize(2);
    JsonNode vectors =
        CommandRun.of(
                "embed", "--model", MODEL, "--text", "a photo of a cat", "--image", PHOTO, "--json")
            .json()
            .get("embeddings");
    double cosine = 0;
    for (int i = 0; i < vectors.get(0).get("vector").size(); i++) {
      cosine +=
          vectors.get(0).get("vector").get(i).doubleValue()
              * vectors.get(1).get("vector").get(i).doubleValue();
    }
    for (JsonNode result : found.get("results")) {
      assertThat(result.get("missing").booleanValue()).isFalse();
      if (result.get("image").textValue().endsWith("photo.png")) {
        assertThat(result.get("score").doubleValue()).isCloseTo(cosine, within(1e-4));
      }
    }
  }

  @Test
  void returnsNoMoreThanAskedFor() {
    index("--model", MODEL).succeeded();
    assertThat(query("--image", PHOTO, "-k", 1).succeeded().out().lines()).hasSize(1);
  }

  @Test
  void writesAPageToLookAt() {
    index("--model", MODEL).succeeded();
    Path page = temporary.resolve("page.html");
    query("--image", PHOTO, "--html", page).succeeded();
    assertThat(page).content().contains("photo.png", "1.0000", "data:image/jpeg;base64,");
  }

  @Test
  void aPageThatCannotBeWrittenIsToldBeforeAnyWork() {
    query("cat", "--html", temporary).failed(temporary.toString(), "--html");
    query("cat", "--html", temporary.resolve("none/page.html")).failed("none");
  }

  @Test
  void marksPicturesThatAreGone() throws IOException {
    index("--model", MODEL).succeeded();
    Files.delete(folder.resolve("photo.png"));
    assertThat(query("--image", PHOTO, "-k", 1).succeeded().out().strip()).endsWith("(gone)");
    assertThat(
            query("--image", PHOTO, "-k", 1, "--json").json().at("/results/0/missing").asBoolean())
        .isTrue();
  }

  @Test
  void aBrokenPictureIsToldInOneLineAndSkipped() {
    Path broken = Fixtures.write(folder.resolve("deep/broken.jpg"), "words");
    CommandRun run = index("--model", MODEL);
    assertThat(run.code()).isEqualTo(Main.OK);
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).startsWith("vlm: skipped: " + broken + " is not an image");
    assertThat(run.out()).contains("indexed 2, ", "broken 1 ");
    assertThat(index().succeeded().out()).contains("unchanged 2, ", "broken 1 ");
  }

  @Test
  void namesThatWouldSteerATerminalAreShownHarmless() throws IOException {
    Path hostile = folder.resolve("red\u001b[31m\nline.png");
    Files.copy(MODEL.resolve("cutout.png"), hostile);
    Fixtures.write(folder.resolve("broken\u001b[2J.jpg"), "words");
    CommandRun run = index("--model", MODEL);
    assertThat(run.err()).doesNotContain("\u001b").contains("broken\ufffd[2J.jpg");
    String out = query("--image", hostile).succeeded().out();
    assertThat(out).doesNotContain("\u001b").contains("red\ufffd[31m\ufffdline.png");
    assertThat(out.lines()).hasSize(3);
    assertThat(query("--image", hostile, "--json").json().at("/results/0/image").textValue())
        .isEqualTo(hostile.toString());
  }

  @Test
  void somebodyWhoWatchesSeesABarAndThenTheResultAlone() {
    CommandRun run =
        CommandRun.typed("", "search", "index", folder, "--index", index, "--model", MODEL);
    assertThat(run.err()).contains("Indexing", "images/s", "left [", "2/2").endsWith("\r\u001b[K");
  }

  @Test
  void tellsHowFastItIsAndHowLongItTakes() {
    assertThat(IndexProgress.what(0, 4000, 1)).isEqualTo("Indexing");
    assertThat(IndexProgress.what(400, 41_000, 40_000_000_000L))
        .isEqualTo("Indexing, 10.0 images/s, 1:07:40 left");
    assertThat(
            SearchIndexCommand.said(
                new IndexSummary(120, 4000, 2, 1, 3, Duration.ofMillis(12_300))))
        .isEqualTo(
            "indexed 120, unchanged 4000, replaced 2, removed 1, broken 3 in 12.3 s"
                + " (9.9 images/s)");
  }

  @Test
  void anotherModelIsRefusedWithBothNamed() {
    index("--model", MODEL).succeeded();
    Path other = MODELS.resolve("hf_vit_p14_gelu");
    index("--model", other).failed(MODEL.toString(), other.toString(), index.toString());
    query("cat", "--model", other).failed(MODEL.toString(), other.toString());
  }

  @Test
  void aModelThatWasMovedIsTheSame() throws IOException {
    Path first = copy(MODEL, temporary.resolve("first"));
    index("--model", first).succeeded();
    Path second = Files.move(first, temporary.resolve("second"));
    query("cat").failed(first.toString(), "--model");
    query("cat", "--model", second).succeeded();
    assertThat(index("--model", second).succeeded().out()).contains("unchanged 2,");
    query("cat").succeeded();
  }

  @Test
  void aModelWithOtherWeightsUnderTheSameNameIsAnother() throws IOException {
    Path model = copy(MODEL, temporary.resolve("model"));
    index("--model", model).succeeded();
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    query("cat").failed("cannot be compared");
  }

  @Test
  void aModelWithoutWordsStillFindsByExample() {
    index("--model", MODELS.resolve("hf_vision_projection")).succeeded();
    query("--image", PHOTO).succeeded();
    query("cat").failed("no encoder of texts");
  }

  @Test
  void aModelWithoutPicturesIsToldAndCallsNothingBroken() {
    index("--model", MODELS.resolve("hf_text_projection")).failed("no encoder of pictures");
  }

  @Test
  void aPlaceWithoutAnIndexIsTold() {
    query("cat").failed("no index", index.toString());
  }

  @Test
  void aMissingFolderIsTold() {
    folder = temporary.resolve("nowhere");
    index("--model", MODEL).failed("nowhere", "does not exist");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "search | command",
        "search find | find",
        "search index | DIR",
        "search index a | --index",
        "search query cat | --index",
        "search query --index i | --image",
        "search query cat --image f --index i | --image",
        "search query cat --index i -k 0 | -k 1",
        "search query cat --index i -k 1001 | -k 1000",
        "search query cat --index i --threads 0 | --threads"
      })
  void aWrongCommandLineIsToldInOneLine(String line) {
    String[] parts = line.split(" \\| ", -1);
    CommandRun.of((Object[]) parts[0].split(" ", -1)).misused(parts[1].split(" ", -1));
  }

  @Test
  void luceneSaysNothingOnItsOwn() {
    CommandRun.of("search", "--help").succeeded();
    assertThat(Logger.getLogger("org.apache.lucene.internal").isLoggable(Level.SEVERE)).isFalse();
  }

  @Test
  void helpTellsEveryOption() {
    assertThat(CommandRun.of("search", "--help").succeeded().out()).contains("index", "query");
    assertThat(CommandRun.of("search", "index", "--help").succeeded().out())
        .contains("DIR", "--index", "--model", "--backend", "--threads");
    assertThat(CommandRun.of("search", "query", "--help").succeeded().out())
        .contains("WORDS", "--image", "--index", "-k", "--json", "--html", "--model", "--threads");
  }

  @Test
  void theShippedModelFindsShapes() {
    folder = Fixtures.root().resolve("examples");
    index().succeeded();
    assertThat(query("a red circle", "-k", 1).succeeded().out()).contains("red-circle.png");
  }
}
