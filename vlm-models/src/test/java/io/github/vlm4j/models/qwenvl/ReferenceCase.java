package io.github.vlm4j.models.qwenvl;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.vlm4j.core.checkpoint.Checkpoint;
import io.github.vlm4j.core.model.PatchGrid;
import io.github.vlm4j.core.tensor.Tensor;
import io.github.vlm4j.models.TensorAssertions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A checkpoint and what transformers computes from it; made by tools/reference/qwen3vl, qwenvl. */
final class ReferenceCase implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();

  final String name;
  final Path folder;
  final JsonNode expected;
  private final Checkpoint tensors;

  private ReferenceCase(String name) {
    this.name = name;
    folder = folder(name);
    expected = json(folder.resolve("expected.json"));
    tensors = Checkpoint.open(folder.resolve("expected.safetensors"));
  }

  static ReferenceCase open(String name) {
    return new ReferenceCase(name);
  }

  static Path folder(String name) {
    try {
      return Path.of(
              Objects.requireNonNull(
                      ReferenceCase.class.getResource("/" + name + "/config.json"), name)
                  .toURI())
          .resolveSibling("");
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static Stream<String> names() {
    return Stream.of(
        "qwen3vl/tied_one_image",
        "qwen3vl/untied_two_images",
        "qwen3vl/head_dim_differs",
        "qwen3vl/multi_turn",
        "qwen3vl/text_only",
        "qwen3vl/sharded_bf16",
        "qwen3vl/old_config_style",
        "qwen3vl/f16_attention_bias",
        "qwen3vl/video",
        "qwen3vl/resized",
        "qwenvl/qwen2_one_image",
        "qwenvl/qwen2_two_images",
        "qwenvl/qwen2_text_only",
        "qwenvl/qwen2_video",
        "qwenvl/qwen2_5_one_image",
        "qwenvl/qwen2_5_two_images",
        "qwenvl/qwen2_5_video",
        "qwenvl/qwen2_5_sliding_window",
        "qwenvl/qwen3_moe_one_image",
        "qwenvl/qwen3_moe_dense_between",
        "qwenvl/qwen3_moe_text_only");
  }

  static JsonNode json(Path file) {
    try {
      return JSON.readTree(file.toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }

  boolean has(String tensor) {
    return tensors.contains(tensor);
  }

  Tensor tensor(String tensor) {
    return tensors.tensor(tensor);
  }

  int[] ints(String field) {
    return ints(expected.get(field));
  }

  static int[] ints(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }

  List<PatchGrid> grids(String field) {
    List<PatchGrid> grids = new ArrayList<>();
    for (JsonNode grid : expected.get(field)) {
      int[] thw = ints(grid);
      grids.add(new PatchGrid(thw[0], thw[1], thw[2]));
    }
    return grids;
  }

  /** Returns where the tokens of a kind stand that belong to the item of a number. */
  int[] placeholderRows(int type, int item, List<Integer> tokensByItem) {
    int[] types = ints("mmTokenTypeIds");
    int[] rows = IntStream.range(0, types.length).filter(i -> types[i] == type).toArray();
    int from = tokensByItem.stream().limit(item).mapToInt(Integer::intValue).sum();
    return IntStream.range(from, from + tokensByItem.get(item)).map(i -> rows[i]).toArray();
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
