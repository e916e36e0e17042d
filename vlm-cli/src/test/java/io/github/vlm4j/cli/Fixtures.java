package io.github.vlm4j.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Consumer;

/** The tiny checkpoints of vlm-models, and copies of them to spoil. */
final class Fixtures {

  private static final ObjectMapper JSON = new ObjectMapper();

  private Fixtures() {}

  static Path root() {
    return Path.of(Objects.requireNonNull(System.getProperty("vlm.root"), "vlm.root is not set"));
  }

  static Path model(String name) {
    return root().resolve("vlm-models/src/test/resources/qwen3vl").resolve(name);
  }

  /** Returns the folder of a tiny dual encoder. */
  static Path clip(String name) {
    return root().resolve("vlm-models/src/test/resources/clip").resolve(name);
  }

  static JsonNode expected(String name) {
    return json(model(name).resolve("expected.json"));
  }

  static JsonNode json(Path file) {
    try {
      return JSON.readTree(file.toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  static Path copy(String name, Path to) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(model(name))) {
      for (Path file : files) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
      return to;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static Path copyWith(String name, Path to, String file, Consumer<ObjectNode> change) {
    Path copy = copy(name, to);
    ObjectNode node = (ObjectNode) json(copy.resolve(file));
    change.accept(node);
    write(copy.resolve(file), node.toString());
    return copy;
  }

  static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static void delete(Path file) {
    try {
      Files.delete(file);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
