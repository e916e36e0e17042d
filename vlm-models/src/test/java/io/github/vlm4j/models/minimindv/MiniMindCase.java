package io.github.vlm4j.models.minimindv;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.MessagesFile;
import io.github.vlm4j.models.family.ModelParts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A checkpoint and what the published code computes from it; tools/reference/minimindv. */
final class MiniMindCase implements AutoCloseable {

  final String name;
  final Path folder;
  final JsonNode expected;
  private final Checkpoint tensors;

  private MiniMindCase(String name) {
    this.name = name;
    folder = resources().resolve(name);
    try {
      expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static MiniMindCase open(String name) {
    return new MiniMindCase(name);
  }

  static Path resources() {
    try {
      return Path.of(Objects.requireNonNull(MiniMindCase.class.getResource("/minimindv")).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static Stream<String> names() {
    return Stream.concat(pictureNames(), Stream.of("a_text", "e_text"));
  }

  static Stream<String> pictureNames() {
    return Stream.of(
        "a_dense",
        "a_moe",
        "a_folder",
        "b_dense",
        "b_moe",
        "b_folder",
        "c_dense",
        "d_dense",
        "e_dense",
        "e_moe",
        "e_folder");
  }

  /**
   * The files as a user names them: a file of weights, or the folder that is all but the encoder.
   */
  ModelParts parts() {
    String weights = text("weights");
    ModelParts parts =
        weights.endsWith(".pth")
            ? ModelParts.of(folder.resolve(weights))
                .withTokenizer(resources().resolve(text("tokenizer")))
            : ModelParts.of(folder);
    if (expected.get("modelConfig").isTextual()) {
      parts = parts.withModelConfig(folder.resolve(text("modelConfig")));
    }
    return expected.get("vision").isTextual()
        ? parts.withVisionModel(resources().resolve(text("vision")))
        : parts;
  }

  List<Message> messages() {
    return MessagesFile.read(folder.resolve("messages.json"));
  }

  String text(String field) {
    return expected.get(field).textValue();
  }

  int[] ints(String field) {
    return ints(expected.get(field));
  }

  static int[] ints(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  List<PatchGrid> grids() {
    List<PatchGrid> grids = new ArrayList<>();
    expected
        .get("grids")
        .forEach(grid -> grids.add(new PatchGrid(1, grid.get(0).asInt(), grid.get(1).asInt())));
    return grids;
  }

  Tensor tensor(String tensor) {
    return tensors.tensor(tensor);
  }

  /** Requires every element within a distance of the reference's. */
  void assertClose(String tensorName, Tensor actual, double tolerance) {
    TensorAssertions.assertClose(tensorName + " of " + name, actual, tensor(tensorName), tolerance);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
