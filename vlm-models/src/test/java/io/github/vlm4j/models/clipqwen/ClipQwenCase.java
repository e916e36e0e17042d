package io.github.vlm4j.models.clipqwen;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import io.github.vlm4j.models.chat.Message;
import io.github.vlm4j.models.chat.Part;
import io.github.vlm4j.models.chat.Role;
import io.github.vlm4j.models.family.ModelParts;
import io.github.vlm4j.vision.image.Image;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What is put together and what the published code makes of it; tools/reference/clipqwen. */
final class ClipQwenCase implements AutoCloseable {

  private static final String PICTURE = "<|extra_0|>";

  final String name;
  final JsonNode expected;
  private final Checkpoint tensors;

  private ClipQwenCase(String name) {
    this.name = name;
    Path folder = resources().resolve("cases").resolve(name);
    try {
      expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static ClipQwenCase open(String name) {
    return new ClipQwenCase(name);
  }

  static Path resources() {
    try {
      return Path.of(Objects.requireNonNull(ClipQwenCase.class.getResource("/clipqwen")).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static Stream<String> names() {
    return Stream.concat(
        Stream.of("text", "text_long", "text_adapter", "early_text_long"), pictureNames());
  }

  static Stream<String> pictureNames() {
    return Stream.of("picture", "picture_adapter", "siglip_adapter");
  }

  ModelParts parts() {
    ModelParts parts = ModelParts.of(resources().resolve(text("model")));
    if (expected.get("adapter").booleanValue()) {
      parts = parts.withAdapter(resources().resolve("adapter"));
    }
    return hasPicture()
        ? parts
            .withVisionModel(resources().resolve(text("visionModel")))
            .withConnector(resources().resolve("adapter").resolve("other_params.bin"))
        : parts;
  }

  boolean hasPicture() {
    return expected.get("picture").isTextual();
  }

  /** The conversation, with the picture where the placeholder stands in the query. */
  List<Message> messages() {
    List<Message> messages = new ArrayList<>();
    messages.add(Message.system(text("system")));
    for (JsonNode turn : expected.get("history")) {
      messages.add(Message.user(turn.get(0).textValue()));
      messages.add(Message.assistant(turn.get(1).textValue()));
    }
    List<Part> parts = new ArrayList<>();
    String query = text("query");
    int at = query.indexOf(PICTURE);
    if (at >= 0) {
      parts.add(new Part.Text(query.substring(0, at)));
      parts.add(new Part.Picture(Image.of(resources().resolve(text("picture")))));
      parts.add(new Part.Text(query.substring(at + PICTURE.length())));
    } else {
      parts.add(new Part.Text(query));
    }
    messages.add(new Message(Role.USER, parts));
    return messages;
  }

  String text(String field) {
    return expected.get(field).textValue();
  }

  int[] ints(String field) {
    return StreamSupport.stream(expected.get(field).spliterator(), false)
        .mapToInt(JsonNode::asInt)
        .toArray();
  }

  boolean has(String tensor) {
    return tensors.contains(tensor);
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
