package io.github.vlm4j.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.CheckpointException;
import io.github.vlm4j.core.InputException;
import io.github.vlm4j.core.ModelException;
import io.github.vlm4j.core.VlmException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PictureIndexTest {

  private static final int PICTURES = 500;

  @TempDir Path temporary;

  private final ColourEmbedder embedder = new ColourEmbedder(48);
  private Path folder;
  private Path index;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createDirectory(temporary.toRealPath().resolve("pictures"));
    index = folder.resolveSibling("index");
  }

  private void index(int from, int to) {
    for (int i = from; i < to; i++) {
      Pictures.write(folder.resolve("p" + i + ".png"), i + 1);
    }
    new PictureIndexer(embedder, IndexListener.SILENT).update(folder, index);
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double lengthA = 0;
    double lengthB = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      lengthA += (double) a[i] * a[i];
      lengthB += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(lengthA * lengthB);
  }

  private record Expected(Path file, double cosine) {}

  private List<Expected> bruteForce(float[] question, int count) {
    List<Expected> all = new ArrayList<>();
    for (int i = 0; i < PICTURES; i++) {
      all.add(
          new Expected(folder.resolve("p" + i + ".png"), cosine(question, embedder.vector(i + 1))));
    }
    all.sort(Comparator.comparingDouble(expected -> -expected.cosine()));
    return all.subList(0, count);
  }

  @Test
  void findsWhatComparingWithEveryVectorFinds() {
    index(0, 300);
    index(300, PICTURES);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.size()).isEqualTo(PICTURES);
      for (int question = 0; question < 50; question++) {
        float[] vector = embedder.vector(0x100000 + question);
        List<Expected> expected = bruteForce(vector, 10);
        List<Match> found = open.nearest(vector, 10);
        assertThat(found)
            .extracting(Match::file)
            .containsExactlyElementsOf(expected.stream().map(Expected::file).toList());
        for (int i = 0; i < found.size(); i++) {
          assertThat((double) found.get(i).score())
              .isCloseTo(expected.get(i).cosine(), within(1e-5));
        }
      }
    }
  }

  @Test
  void everyPictureIsNearestToItselfWithACosineOfOne() {
    index(0, 20);
    try (PictureIndex open = PictureIndex.open(index)) {
      for (int i = 0; i < 20; i++) {
        Match nearest = open.nearest(embedder.vector(i + 1), 1).getFirst();
        assertThat(nearest.file()).isEqualTo(folder.resolve("p" + i + ".png"));
        assertThat(nearest.score()).isBetween(0.99999f, 1f);
      }
    }
  }

  @Test
  void returnsNoMoreThanAskedForAndNoMoreThanThereAre() {
    index(0, 5);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.nearest(embedder.vector(1), 3)).hasSize(3);
      assertThat(open.nearest(embedder.vector(1), PictureIndex.MAX_RESULTS)).hasSize(5);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, PictureIndex.MAX_RESULTS + 1, Integer.MAX_VALUE})
  void aCountOutOfRangeIsRefused(int count) {
    index(0, 1);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThatThrownBy(() -> open.nearest(embedder.vector(1), count))
          .isInstanceOf(InputException.class)
          .hasMessageContaining(Integer.toString(count));
    }
  }

  @Test
  void aQuestionOfAnotherDimensionOrWithoutDirectionIsRefused() {
    index(0, 1);
    try (PictureIndex open = PictureIndex.open(index)) {
      for (float[] vector : List.of(new float[47], new float[48], notANumber())) {
        assertThatThrownBy(() -> open.nearest(vector, 1)).isInstanceOf(ModelException.class);
      }
    }
  }

  private static float[] notANumber() {
    float[] vector = new float[48];
    vector[3] = Float.NaN;
    return vector;
  }

  @Test
  void saysWhichFilesAreGone() throws IOException {
    index(0, 2);
    Files.delete(folder.resolve("p1.png"));
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.nearest(embedder.vector(1), 2))
          .extracting(Match::missing)
          .containsExactly(false, true);
    }
  }

  @Test
  void remembersFolderAndModelAndRefusesOthers() {
    index(0, 1);
    try (PictureIndex open = PictureIndex.open(index)) {
      assertThat(open.folder()).isEqualTo(folder);
      assertThat(open.model()).isEqualTo(embedder.model());
      open.requireModel(new ModelIdentity("colours", 48, "elsewhere"));
      assertThatThrownBy(() -> open.requireModel(new ModelIdentity("others", 48, "elsewhere")))
          .isInstanceOf(InputException.class)
          .hasMessageContainingAll("models/colours", "elsewhere");
    }
  }

  @Test
  void showsTheSameWhileOthersWrite() {
    index(0, 3);
    try (PictureIndex open = PictureIndex.open(index)) {
      index(3, 6);
      assertThat(open.nearest(embedder.vector(1), 10)).hasSize(3);
    }
  }

  @Test
  void aPlaceWithoutAnIndexIsTold() throws IOException {
    assertThatThrownBy(() -> PictureIndex.open(index))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(index.toString());
    Files.writeString(folder.resolve("a.txt"), "words");
    assertThatThrownBy(() -> PictureIndex.open(folder)).isInstanceOf(InputException.class);
  }

  @Test
  void namesThatLeadOutOfTheFolderAreDamage() {
    for (String name : List.of("../secret.png", "/etc/secret.png", "", "a/../../b.png", "\0")) {
      Path hostile = temporary.resolve("hostile" + name.hashCode());
      try (PictureWriter writer = PictureWriter.open(hostile)) {
        float[] vector = new float[48];
        vector[0] = 1;
        writer.put(new PictureFile(folder, name, 1, 1), vector);
        writer.describe(new IndexMetadata(folder, embedder.model()));
      }
      try (PictureIndex open = PictureIndex.open(hostile)) {
        assertThatThrownBy(() -> open.nearest(embedder.vector(1), 1))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("outside");
      }
    }
  }

  @Test
  void damagedFilesEndInTypedFailures() throws IOException {
    index(0, 30);
    Files.delete(folder.resolve("p3.png"));
    index(30, 40);
    List<Path> files = files();
    Random random = new Random(7);
    int refused = 0;
    for (int round = 0; round < 250; round++) {
      Path file = files.get(random.nextInt(files.size()));
      byte[] sound = Files.readAllBytes(file);
      Files.write(file, spoil(sound, random));
      refused += isRefused() ? 1 : 0;
      Files.write(file, sound);
    }
    assertThat(refused).isGreaterThan(100);
    assertThat(isRefused()).isFalse();
  }

  private static byte[] spoil(byte[] sound, Random random) {
    if (random.nextInt(4) == 0) {
      return Arrays.copyOf(sound, random.nextInt(sound.length + 1));
    }
    byte[] spoilt = sound.clone();
    for (int i = random.nextInt(3); i >= 0 && spoilt.length > 0; i--) {
      spoilt[random.nextInt(spoilt.length)] = (byte) random.nextInt();
    }
    return spoilt;
  }

  private boolean isRefused() {
    try (PictureIndex open = PictureIndex.open(index)) {
      open.nearest(embedder.vector(1), 100);
      return false;
    } catch (VlmException typed) {
      assertThat(typed).hasMessageContaining(index.toString());
      return true;
    }
  }

  @Test
  void writingToDamagedFilesEndsInTypedFailures() throws IOException {
    index(0, 20);
    Files.delete(folder.resolve("p3.png"));
    Pictures.touch(folder.resolve("p4.png"), 5);
    index(20, 25);
    Map<Path, byte[]> sound = new TreeMap<>();
    for (Path file : files()) {
      sound.put(file, Files.readAllBytes(file));
    }
    List<Path> files = List.copyOf(sound.keySet());
    Random random = new Random(11);
    int refused = 0;
    for (int round = 0; round < 60; round++) {
      Path spoilt = files.get(random.nextInt(files.size()));
      Files.write(spoilt, spoil(sound.get(spoilt), random));
      Pictures.touch(folder.resolve("p5.png"), 5);
      try {
        new PictureIndexer(embedder, IndexListener.SILENT).update(folder, index);
      } catch (VlmException typed) {
        refused++;
      }
      for (Path written : files()) {
        Files.delete(written);
      }
      for (Path file : files) {
        Files.write(file, sound.get(file));
      }
    }
    assertThat(refused).isGreaterThan(10);
  }

  @Test
  void missingFilesEndInTypedFailures() throws IOException {
    index(0, 30);
    for (Path file : files()) {
      byte[] sound = Files.readAllBytes(file);
      Files.delete(file);
      assertThat(isRefused()).as(file.toString()).isTrue();
      Files.write(file, sound);
    }
  }

  @Test
  void aDamagedIndexIsNotWrittenTo() throws IOException {
    index(0, 3);
    for (Path file : files()) {
      if (file.getFileName().toString().startsWith("segments_")) {
        Files.write(file, new byte[10]);
      }
    }
    List<Path> before = files();
    assertThatThrownBy(() -> index(3, 6))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("damaged", index.toString());
    assertThat(files()).isEqualTo(before);
  }

  private List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(index)) {
      for (Path file : stream) {
        if (!file.getFileName().toString().equals("write.lock")) {
          files.add(file);
        }
      }
    }
    files.sort(Comparator.naturalOrder());
    return files;
  }
}
