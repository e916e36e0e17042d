package io.github.vlm4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FeaturesCommandTest {

  private static final Path MODEL = Fixtures.model("untied_two_images");
  private static final List<Path> PICTURES =
      List.of(MODEL.resolve("wide.png"), MODEL.resolve("tall.png"));

  @TempDir Path folder;

  private CommandRun features(Path out, Object... more) {
    Object[] line =
        Stream.concat(
                Stream.of(
                    "features",
                    "--model",
                    MODEL,
                    "--image",
                    PICTURES.get(0),
                    "--image",
                    PICTURES.get(1),
                    "--out",
                    out),
                Stream.of(more))
            .toArray();
    return CommandRun.of(line);
  }

  @Test
  void writesTheDocumentedTensorsInF32AndNothingElse() throws IOException {
    Path out = folder.resolve("features.safetensors");
    assertThat(features(out).succeeded().out()).isEmpty();
    try (Checkpoint written = Checkpoint.open(out);
        Checkpoint expected = Checkpoint.open(MODEL.resolve("expected.safetensors"))) {
      long taps =
          expected.names().stream().filter(name -> name.startsWith("image.0.deepstack.")).count();
      assertThat(taps).isPositive();
      assertThat(written.names()).hasSize((int) (2 * (3 + taps)));
      for (int image = 0; image < 2; image++) {
        for (String tensor : List.of("pixel_values", "last_hidden_state", "connector")) {
          assertSame(written, expected, "image." + image + "." + tensor);
        }
        for (int tap = 0; tap < taps; tap++) {
          assertSame(written, expected, "image." + image + ".deepstack." + tap);
        }
      }
    }
    assertThat(filesIn(folder)).containsExactly(out);
  }

  /** From the picture file on, pixels may differ by what resampling may differ. */
  private static void assertSame(Checkpoint written, Checkpoint expected, String name) {
    assertThat(written.dtype(name)).isEqualTo(DType.F32);
    assertThat(written.shape(name)).as(name).isEqualTo(expected.shape(name));
    float[] actual = written.tensor(name).toFloats();
    float[] reference = expected.tensor(name).toFloats();
    double distance = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      distance += Math.abs(actual[i] - reference[i]);
      size += Math.abs(reference[i]);
    }
    assertThat(distance / size).as(name).isCloseTo(0, within(0.05));
  }

  @Test
  void hiddenStatesAndAttentionsAreWrittenOnRequest() {
    Path out = folder.resolve("features.safetensors");
    features(out, "--hidden-states", "--attentions").succeeded();
    int depth = Fixtures.json(MODEL.resolve("config.json")).at("/vision_config/depth").intValue();
    try (Checkpoint written = Checkpoint.open(out)) {
      assertThat(written.contains("image.1.hidden_states." + depth)).isTrue();
      assertThat(written.contains("image.1.attentions." + (depth - 1))).isTrue();
      assertThat(written.tensor("image.1.hidden_states." + depth).toFloats())
          .containsExactly(written.tensor("image.1.last_hidden_state").toFloats());
    }
  }

  @Test
  void replacesAnEarlierFile() throws IOException {
    Path out = Fixtures.write(folder.resolve("features.safetensors"), "old");
    features(out).succeeded();
    assertThat(Files.size(out)).isGreaterThan(1000);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "none/features.safetensors"})
  void aPlaceThatCannotBeWrittenIsToldBeforeAnyWork(String place) throws IOException {
    Path out = folder.resolve(place);
    features(out).failed(out.toString());
    assertThat(filesIn(folder)).isEmpty();
  }

  @Test
  void afterAFailureTheEarlierFileIsAsItWasAndNothingElseIsThere() throws IOException {
    Path out = Fixtures.write(folder.resolve("features.safetensors"), "old");
    Path noPicture = Fixtures.write(folder.resolve("words.png"), "words");
    features(out, "--image", noPicture).failed("words.png");
    assertThat(out).hasContent("old");
    assertThat(filesIn(folder)).containsExactlyInAnyOrder(out, noPicture);
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
