package io.github.vlm4j.models.seemore;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import io.github.vlm4j.models.VisionLanguageModel;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;

/** A state dict and what the published code computes from it; made by tools/reference/seemore. */
final class SeemoreCase implements AutoCloseable {

  final Path folder;
  final JsonNode expected;
  private final Checkpoint tensors;

  private SeemoreCase(Path folder) throws IOException {
    this.folder = folder;
    expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static Path folder(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(SeemoreCase.class.getResource("/seemore/" + name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static SeemoreCase open(String name) {
    try {
      return new SeemoreCase(folder(name));
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  Path file() {
    return folder.resolve(text("file"));
  }

  VisionLanguageModel load() {
    return VisionLanguageModel.load(file());
  }

  Image picture() {
    return Image.of(folder.resolve("picture.png"));
  }

  List<Message> asked() {
    return List.of(Message.user(picture(), text("prompt")));
  }

  String text(String field) {
    return expected.get(field).textValue();
  }

  int size(String field) {
    return expected.get(field).intValue();
  }

  int[] ints(String field) {
    return StreamSupport.stream(expected.get(field).spliterator(), false)
        .mapToInt(JsonNode::intValue)
        .toArray();
  }

  static Integer[] boxed(int[] values) {
    return Arrays.stream(values).boxed().toArray(Integer[]::new);
  }

  Tensor tensor(String name) {
    return tensors.tensor(name);
  }

  /** Requires every element within a distance of the reference's. */
  void assertClose(String name, Tensor actual, double tolerance) {
    TensorAssertions.assertClose(name, actual, tensor(name), tolerance);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
