package io.github.vlm4j.models.text;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;

/** A checkpoint and what transformers computes from it; made by tools/reference/decoders. */
final class TextCase implements AutoCloseable {

  final String name;
  final Path folder;
  final JsonNode expected;
  private final Checkpoint tensors;

  private TextCase(String name) {
    this.name = name;
    folder = folder(name);
    try {
      expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static TextCase open(String name) {
    return new TextCase(name);
  }

  static Path folder(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(TextCase.class.getResource("/decoders/" + name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static List<String> names() {
    return List.of(
        "llama2",
        "llama_biases",
        "llama31",
        "llama32_tied",
        "llama_linear",
        "llama_yarn",
        "mistral_window_base",
        "mistral_v03",
        "mistral_nemo",
        "qwen2_window",
        "qwen25_yarn",
        "qwen3",
        "qwen3_window_bias",
        "qwen3_moe",
        "qwen3_moe_mixed",
        "qwen2_moe");
  }

  int[] ints(String field) {
    return StreamSupport.stream(expected.get(field).spliterator(), false)
        .mapToInt(JsonNode::asInt)
        .toArray();
  }

  String text(String field) {
    return expected.get(field).asText();
  }

  boolean has(String tensor) {
    return tensors.contains(tensor);
  }

  /** Requires every element within a distance of the reference's. */
  void assertClose(String tensorName, Tensor actual, double tolerance) {
    Tensor reference = tensors.tensor(tensorName);
    assertThat(actual.shape())
        .as("shape of %s of %s", tensorName, name)
        .isEqualTo(reference.shape());
    TensorAssertions.assertClose(tensorName + " of " + name, actual, reference, tolerance);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
