package io.github.vlm4j.models.llava;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import io.github.vlm4j.vision.image.Image;
import io.github.vlm4j.vision.preprocess.PixelValues;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A checkpoint and what transformers computes from it; made by tools/reference/llava. */
final class LlavaCase implements AutoCloseable {

  private static final int COLOURS = 3;

  final String name;
  final Path folder;
  final JsonNode expected;
  private final Checkpoint tensors;

  private LlavaCase(String name) {
    this.name = name;
    folder = folder(name);
    try {
      expected = new ObjectMapper().readTree(folder.resolve("expected.json").toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static LlavaCase open(String name) {
    return new LlavaCase(name);
  }

  static Path folder(String name) {
    try {
      return Path.of(Objects.requireNonNull(LlavaCase.class.getResource("/llava/" + name)).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static Stream<String> names() {
    return Stream.of(
        "clip_llama_published",
        "clip_llama_in_memory",
        "siglip_qwen2",
        "clip_mistral_window",
        "text_only",
        "next_clip_mistral",
        "next_siglip_llama");
  }

  boolean has(String tensor) {
    return tensors.contains(tensor);
  }

  Tensor tensor(String tensor) {
    return tensors.tensor(tensor);
  }

  String text(String field) {
    return expected.get(field).asText();
  }

  int[] ints(String field) {
    return StreamSupport.stream(expected.get(field).spliterator(), false)
        .mapToInt(JsonNode::asInt)
        .toArray();
  }

  /** Returns the number of pictures, in the prompt or not. */
  int pictures() {
    return expected.get("pictures").size();
  }

  Image picture(int index) {
    return Image.of(folder.resolve(expected.get("pictures").get(index).asText()));
  }

  /**
   * Returns the rows of the prompt that a picture's embeddings stand in; none if it is not there.
   */
  int[] placeholderRows(int picture) {
    int[] ids = ints("promptTokenIds");
    int placeholder = expected.get("imageTokenId").asInt();
    long before = IntStream.range(0, picture).mapToLong(this::embeddings).sum();
    return IntStream.range(0, ids.length)
        .filter(i -> ids[i] == placeholder)
        .skip(before)
        .limit(embeddings(picture))
        .toArray();
  }

  private long embeddings(int picture) {
    return tensor("image." + picture + ".connector").shape().dim(0);
  }

  /** Returns a picture's pixels as an encoder reads them that has patches of a size. */
  float[] patches(int picture, int patchSize) {
    Tensor values = tensor("image." + picture + ".pixel_values");
    int side = (int) values.shape().last();
    int frame = COLOURS * side * side;
    float[] all = values.toFloats();
    float[] patches = new float[all.length];
    for (int from = 0; from < all.length; from += frame) {
      float[] one = Arrays.copyOfRange(all, from, from + frame);
      float[] cut = new PixelValues(one, COLOURS, side, side).patches(patchSize);
      System.arraycopy(cut, 0, patches, from, frame);
    }
    return patches;
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
