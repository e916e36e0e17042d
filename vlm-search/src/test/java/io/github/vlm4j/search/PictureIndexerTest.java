package io.github.vlm4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PictureIndexerTest {

  @TempDir Path temporary;

  private final ColourEmbedder embedder = new ColourEmbedder(8);
  private final Reports reports = new Reports();
  private Path folder;
  private Path index;

  @BeforeEach
  void makeFolder() throws IOException {
    Path real = temporary.toRealPath();
    folder = Files.createDirectory(real.resolve("pictures"));
    index = real.resolve("index");
  }

  /** What the indexer reported. */
  private static final class Reports implements IndexListener {
    final List<Path> skipped = new ArrayList<>();
    final List<String> reasons = new ArrayList<>();
    final List<String> progress = new ArrayList<>();

    @Override
    public void looking(long pictures) {}

    @Override
    public void embedding(long done, long pictures) {
      progress.add(done + "/" + pictures);
    }

    @Override
    public void skipped(Path file, String reason) {
      skipped.add(file);
      reasons.add(reason);
    }
  }

  private Path picture(String name, int colour) {
    return Pictures.write(folder.resolve(name), colour);
  }

  private IndexSummary update() {
    return update(embedder);
  }

  private IndexSummary update(Embedder with) {
    return new PictureIndexer(with, reports).update(folder, index);
  }

  private Set<String> names() {
    try (PictureIndex open = PictureIndex.open(index)) {
      return open.nearest(embedder.vector(1), PictureIndex.MAX_RESULTS).stream()
          .map(match -> folder.relativize(match.file()).toString().replace('\\', '/'))
          .collect(Collectors.toSet());
    }
  }

  /** New, unchanged, replaced, removed, broken. */
  private static void assertCounts(IndexSummary summary, long... counts) {
    assertThat(
            new long[] {
              summary.indexed(),
              summary.unchanged(),
              summary.replaced(),
              summary.removed(),
              summary.broken()
            })
        .containsExactly(counts);
  }

  @Test
  void findsPicturesInAllFolders() {
    picture("a.png", 1);
    picture("deep/er/b.PNG", 2);
    assertCounts(update(), 2, 0, 0, 0, 0);
    assertThat(names()).containsExactlyInAnyOrder("a.png", "deep/er/b.PNG");
  }

  @Test
  void leavesUnchangedPicturesAlone() {
    picture("a.png", 1);
    picture("b.png", 2);
    update();
    picture("c.png", 3);
    assertCounts(update(), 1, 2, 0, 0, 0);
    assertThat(embedder.embedded()).isEqualTo(3);
    assertThat(names()).hasSize(3);
  }

  @Test
  void replacesPicturesWithAnotherTimeOrSize() throws IOException {
    Path touched = picture("touched.png", 1);
    Path grown = picture("grown.png", 2);
    picture("kept.png", 3);
    update();
    Pictures.touch(touched, 5);
    FileTime time = Files.getLastModifiedTime(grown);
    Files.write(grown, new byte[1], StandardOpenOption.APPEND);
    Files.setLastModifiedTime(grown, time);
    assertCounts(update(), 0, 1, 2, 0, 0);
    assertThat(names()).containsExactlyInAnyOrder("touched.png", "grown.png", "kept.png");
  }

  @Test
  void aChangedPictureIsFoundByWhatItShowsNow() {
    Path file = picture("a.png", 1);
    picture("b.png", 2);
    update();
    Pictures.touch(picture("a.png", 7), 5);
    update();
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.nearest(embedder.vector(7), 1))
          .singleElement()
          .satisfies(match -> {
            assertThat(match.file()).isEqualTo(file);
            assertThat(match.score()).isGreaterThan(0.999f);
          });
    }
  }

  @Test
  void dropsDeletedPictures() throws IOException {
    Path gone = picture("a.png", 1);
    picture("b.png", 2);
    update();
    Files.delete(gone);
    assertCounts(update(), 0, 1, 0, 1, 0);
    assertThat(names()).containsExactly("b.png");
  }

  @Test
  void leavesOutHiddenAndOtherFilesAndTheIndexItself() throws IOException {
    picture("a.png", 1);
    picture(".hidden.png", 2);
    picture(".hidden/b.png", 3);
    Files.move(picture("c.png", 4), folder.resolve("c.txt"));
    index = folder.resolve("a.index");
    assertCounts(update(), 1, 0, 0, 0, 0);
    picture("a.index/d.png", 5);
    assertCounts(update(), 0, 1, 0, 0, 0);
  }

  @Test
  void reportsABrokenPictureOnceAndDoesNotDecodeItAgainUntilItChanges() {
    Path broken = Pictures.writeBroken(folder.resolve("broken.jpg"));
    picture("a.png", 1);
    assertCounts(update(), 1, 0, 0, 0, 1);
    assertThat(reports.skipped).containsExactly(broken);
    assertThat(reports.reasons.getFirst()).contains("broken.jpg is not an image");

    assertCounts(update(), 0, 1, 0, 0, 1);
    assertThat(reports.skipped).hasSize(1);

    Pictures.touch(broken, 5);
    assertCounts(update(), 0, 1, 0, 0, 1);
    assertThat(reports.skipped).hasSize(2);

    Pictures.touch(Pictures.write(broken, 2), 9);
    assertCounts(update(), 0, 1, 1, 0, 0);
    assertThat(names()).containsExactlyInAnyOrder("a.png", "broken.jpg");
  }

  @Test
  void aPictureThatBreaksIsNoLongerFound() {
    Path file = picture("a.png", 1);
    picture("b.png", 2);
    update();
    Pictures.touch(Pictures.writeBroken(file), 5);
    assertCounts(update(), 0, 1, 0, 0, 1);
    assertThat(names()).containsExactly("b.png");
  }

  @Test
  void aPictureThatTheModelRefusesIsBrokenButNotItsNeighbours() {
    picture("a.png", 1);
    picture("black.png", ColourEmbedder.BLACK);
    picture("c.png", 3);
    assertCounts(update(), 2, 0, 0, 0, 1);
    assertThat(reports.reasons).containsExactly("The picture black.png is too dark.");
    assertCounts(update(), 0, 2, 0, 0, 1);
  }

  @Test
  void aPictureWithoutDirectionIsBroken() {
    picture("white.png", ColourEmbedder.WHITE);
    picture("a.png", 1);
    assertCounts(update(), 1, 0, 0, 0, 1);
    assertThat(reports.reasons.getFirst()).contains("white.png");
  }

  @Test
  void aModelThatTakesNoPictureAtAllBreaksNone() {
    picture("a.png", 1);
    Embedder blind =
        new Embedder() {
          @Override
          public ModelIdentity model() {
            return embedder.model();
          }

          @Override
          public List<float[]> embed(List<Image> images) {
            throw new InputException("This model has no encoder of pictures.");
          }

          @Override
          public float[] embed(String words) {
            return new float[8];
          }
        };
    assertThatThrownBy(() -> update(blind)).isInstanceOf(InputException.class);
    assertThat(reports.skipped).isEmpty();
    assertCounts(update(), 1, 0, 0, 0, 0);
  }

  @Test
  void vectorsOfAnotherDimensionThanPromisedAreRefused() {
    picture("a.png", 1);
    Embedder liar =
        new Embedder() {
          @Override
          public ModelIdentity model() {
            return embedder.model();
          }

          @Override
          public List<float[]> embed(List<Image> images) {
            return List.of(new float[7]);
          }

          @Override
          public float[] embed(String words) {
            return new float[7];
          }
        };
    assertThatThrownBy(() -> update(liar))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("7");
  }

  @Test
  void continuesWhereAFailureStoppedIt() {
    for (int i = 1; i <= 40; i++) {
      picture("p" + i + ".png", i);
    }
    ColourEmbedder failing = new ColourEmbedder(8).failingAfter(24);
    assertThatThrownBy(() -> update(failing)).hasMessage("The machine stopped");
    int before = failing.embedded();
    assertThat(before).isBetween(16, 24);
    assertThat(names()).hasSize(before);
    assertCounts(update(), 40 - before, before, 0, 0, 0);
    assertThat(embedder.embedded()).isEqualTo(40 - before);
    assertThat(names()).hasSize(40);
  }

  @Test
  void embedsInBatchesAndTellsHowFarItIs() {
    for (int i = 1; i <= 20; i++) {
      picture("p" + i + ".png", i);
    }
    update();
    assertThat(embedder.largestBatch()).isBetween(2, PictureIndexer.BATCH);
    assertThat(reports.progress).startsWith("0/20").endsWith("20/20");
  }

  @Test
  void aSecondWriterIsToldThatAnotherIsAtWork() {
    picture("a.png", 1);
    List<Throwable> failures = new ArrayList<>();
    Embedder nosy =
        new Embedder() {
          @Override
          public ModelIdentity model() {
            return embedder.model();
          }

          @Override
          public List<float[]> embed(List<Image> images) {
            try {
              update();
            } catch (InputException failure) {
              failures.add(failure);
            }
            return embedder.embed(images);
          }

          @Override
          public float[] embed(String words) {
            return embedder.embed(words);
          }
        };
    assertCounts(update(nosy), 1, 0, 0, 0, 0);
    assertThat(failures)
        .singleElement()
        .extracting(Throwable::getMessage)
        .asString()
        .contains("Another process is writing", index.toString());
  }

  @Test
  void vectorsOfAnotherModelAreRefusedWithBothNames() {
    picture("a.png", 1);
    update();
    Embedder other = new ColourEmbedder(new ModelIdentity("other", 8, "models/other"));
    assertThatThrownBy(() -> update(other))
        .isInstanceOf(InputException.class)
        .hasMessageContainingAll("models/colours", "models/other", index.toString());
    assertThat(names()).containsExactly("a.png");
  }

  @Test
  void theSameModelInAnotherPlaceIsTaken() {
    picture("a.png", 1);
    update();
    assertCounts(
        update(new ColourEmbedder(new ModelIdentity("colours", 8, "moved"))), 0, 1, 0, 0, 0);
    assertThat(PictureIndex.modelOf(index)).map(ModelIdentity::source).contains("moved");
  }

  @Test
  void anotherFolderIsRefusedAsLongAsTheFirstIsThere() throws IOException {
    picture("a.png", 1);
    update();
    Path first = folder;
    folder = Files.createDirectory(temporary.toRealPath().resolve("others"));
    picture("b.png", 2);
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContainingAll(first.toString(), folder.toString());
  }

  @Test
  void aFolderThatWasMovedIsNotEmbeddedAgain() throws IOException {
    picture("in/a.png", 1);
    picture("b.png", 2);
    update();
    folder = Files.move(folder, temporary.toRealPath().resolve("moved"));
    assertCounts(update(), 0, 2, 0, 0, 0);
    assertThat(names()).containsExactlyInAnyOrder("in/a.png", "b.png");
  }

  @Test
  void aFolderThatLostAllPicturesIsTakenForADiskThatIsMissing() throws IOException {
    Path file = picture("a.png", 1);
    update();
    Files.delete(file);
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContainingAll("no picture", folder.toString());
    assertThat(names()).containsExactly("a.png");
  }

  @Test
  void anEmptyFolderMakesAnEmptyIndex() {
    assertCounts(update(), 0, 0, 0, 0, 0);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.size()).isZero();
      assertThat(open.nearest(embedder.vector(1), 3)).isEmpty();
    }
  }

  @Test
  void linksAreFollowedOnceAndLoopsEnd() throws IOException {
    picture("in/a.png", 1);
    Path outside = Files.createDirectory(temporary.toRealPath().resolve("outside"));
    Pictures.write(outside.resolve("b.png"), 2);
    Files.createSymbolicLink(folder.resolve("in/loop"), folder.resolve("in"));
    Files.createSymbolicLink(folder.resolve("in/up"), folder.resolve(".."));
    Files.createSymbolicLink(folder.resolve("again"), folder.resolve("in"));
    Files.createSymbolicLink(folder.resolve("self"), Path.of("self"));
    Files.createSymbolicLink(folder.resolve("first"), outside);
    Files.createSymbolicLink(outside.resolve("back"), folder);
    Files.createSymbolicLink(folder.resolve("c.png"), outside.resolve("b.png"));
    assertCounts(update(), 3, 0, 0, 0, 0);
    assertThat(names()).containsExactlyInAnyOrder("in/a.png", "first/b.png", "c.png");
    assertThat(reports.skipped).isEmpty();
  }

  @Test
  void picturesBehindALinkWhoseDiskIsMissingAreKept() throws IOException {
    picture("a.png", 1);
    Path outside = temporary.toRealPath().resolve("outside");
    Pictures.write(outside.resolve("in/b.png"), 2);
    Files.createSymbolicLink(folder.resolve("disk"), outside);
    update();
    Path elsewhere = Files.move(outside, outside.resolveSibling("elsewhere"));
    assertCounts(update(), 0, 1, 0, 0, 0);
    Files.move(elsewhere, outside);
    assertCounts(update(), 0, 2, 0, 0, 0);
  }

  @Test
  void picturesInAFolderThatCannotBeReadNowAreKept() throws IOException {
    picture("a.png", 1);
    picture("shut/b.png", 2);
    update();
    Path shut = folder.resolve("shut");
    assumeThat(Files.getFileStore(shut).supportsFileAttributeView("posix")).isTrue();
    Files.setPosixFilePermissions(shut, PosixFilePermissions.fromString("---------"));
    try {
      assumeThat(Files.isReadable(shut)).as("not run as root").isFalse();
      assertCounts(update(), 0, 1, 0, 0, 0);
      assertThat(reports.skipped).containsExactly(shut);
    } finally {
      Files.setPosixFilePermissions(shut, PosixFilePermissions.fromString("rwx------"));
    }
    assertCounts(update(), 0, 2, 0, 0, 0);
  }

  @Test
  void aFolderOfOtherFilesIsNotMadeAnIndex() throws IOException {
    picture("a.png", 1);
    Files.createDirectory(index);
    Path letter = Files.writeString(index.resolve("letter.txt"), "dear");
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContaining(index.toString());
    assertThat(index).isDirectoryContaining(letter::equals);
    assertThat(index.toFile().list()).hasSize(1);
  }

  @Test
  void aFileIsNotMadeAnIndex() throws IOException {
    picture("a.png", 1);
    Files.writeString(index, "dear");
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContaining(index.toString());
    assertThat(index).hasContent("dear");
  }

  @Test
  void anIndexOfAnotherProgramIsLeftAsItIs() throws IOException {
    picture("a.png", 1);
    try (Directory directory = FSDirectory.open(index);
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      writer.addDocument(new Document());
      writer.setLiveCommitData(Map.of("program", "other").entrySet());
    }
    Set<String> before = Set.of(index.toFile().list());
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContaining("another program");
    assertThat(index.toFile().list()).containsExactlyInAnyOrderElementsOf(before);
  }

  @Test
  void theFolderOfPicturesIsNotMadeAnIndex() {
    index = folder;
    assertThatThrownBy(this::update).isInstanceOf(InputException.class);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aMissingFolderIsToldAndLeavesNoIndex() throws IOException {
    Files.delete(folder);
    assertThatThrownBy(this::update)
        .isInstanceOf(InputException.class)
        .hasMessageContaining(folder.toString());
    assertThat(index).doesNotExist();
  }

  @Test
  void aFirstStartThatWasKilledIsTakenUp() throws IOException {
    picture("a.png", 1);
    Files.createDirectory(index);
    Files.createFile(index.resolve(IndexWriter.WRITE_LOCK_NAME));
    Files.createFile(index.resolve("pending_segments_1"));
    assertCounts(update(), 1, 0, 0, 0, 0);
  }

  @Test
  void longVectorsAreKept() {
    ColourEmbedder wide = new ColourEmbedder(4608);
    picture("a.png", 1);
    picture("b.png", 2);
    assertCounts(update(wide), 2, 0, 0, 0, 0);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.nearest(wide.vector(2), 1).getFirst().file())
          .isEqualTo(folder.resolve("b.png"));
    }
    assertCounts(update(wide), 0, 2, 0, 0, 0);
  }

  @Test
  void vectorsThatAreTooLongAreRefused() {
    assertThatThrownBy(() -> new ModelIdentity("huge", ModelIdentity.MAX_DIMENSION + 1, "huge"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("huge");
  }
}
