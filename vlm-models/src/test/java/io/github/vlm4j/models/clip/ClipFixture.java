package io.github.vlm4j.models.clip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.checkpoint.SafetensorsFile;
import io.github.vlm4j.core.tensor.DType;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A checkpoint that the reference wrote, and what the reference computes from it. */
public final class ClipFixture implements AutoCloseable {

  static final String TUTORIAL = "tutorial_resnet";

  private static final Path ROOT = Path.of("src/test/resources/clip");

  private final String name;
  private final JsonNode facts;
  private final SafetensorsFile expected;

  private ClipFixture(String name) {
    this.name = name;
    try {
      facts = new ObjectMapper().readTree(ROOT.resolve(name).resolve("expected.json").toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    expected = SafetensorsFile.open(ROOT.resolve(name).resolve("expected.safetensors"));
  }

  public static ClipFixture of(String name) {
    return new ClipFixture(name);
  }

  /** Returns the whole models; the tutorial's encoder cannot be told apart by its tensors. */
  public static Stream<String> names() {
    try (Stream<Path> folders = Files.list(ROOT)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("expected.safetensors")))
          .map(folder -> folder.getFileName().toString())
          .filter(name -> !name.equals(TUTORIAL))
          .sorted()
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path folder() {
    return ROOT.resolve(name);
  }

  /** Returns what a user would name: the folder if it is a Hugging Face one, else the weights. */
  public Path model() {
    return Files.exists(folder().resolve("config.json"))
        ? folder()
        : folder().resolve(facts.path("weights").asText());
  }

  /** Half-precision checkpoints are compared with the reference run in f32. */
  public float tolerance() {
    return 1e-4f;
  }

  /** Returns whether any weights are f16. */
  boolean hasHalves() {
    try (Checkpoint checkpoint = Checkpoint.open(model())) {
      return checkpoint.names().stream().anyMatch(name -> checkpoint.dtype(name) == DType.F16);
    }
  }

  public boolean has(String tensor) {
    return expected.contains(tensor);
  }

  public Tensor expected(String tensor) {
    return expected.tensor(tensor);
  }

  /** Returns the i-th of what a tensor holds for each picture or text. */
  public float[] expected(String tensor, int i) {
    Tensor all = expected.tensor(tensor);
    return all.rows(i, i + 1L).toFloats();
  }

  public List<Image> images() {
    return strings("pictures").stream().map(file -> Image.of(folder().resolve(file))).toList();
  }

  public List<String> texts() {
    return strings("texts");
  }

  public int[] ids(int text) {
    JsonNode ids = facts.path("inputIds").path(text);
    int[] values = new int[ids.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = ids.path(i).asInt();
    }
    return values;
  }

  /** Returns how many tokens of a text are not padding. */
  public int textLength(int text) {
    return facts.path("textLengths").path(text).asInt();
  }

  /** Returns rows and columns of patches of a picture, where grids vary. */
  public int[] grid(int picture) {
    JsonNode grid = facts.path("spatialShapes").path(picture);
    return new int[] {grid.path(0).asInt(), grid.path(1).asInt()};
  }

  private List<String> strings(String field) {
    List<String> strings = new ArrayList<>();
    facts.path(field).forEach(node -> strings.add(node.asText()));
    return strings;
  }

  @Override
  public void close() {
    expected.close();
  }
}
